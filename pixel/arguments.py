"""Makes the command line's arguments of the definitions that read the API's requests: a field, an argument."""

import argparse
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, Literal, get_args, get_origin

import msgspec
from msgspec import Meta
from msgspec.structs import FieldInfo

from pixel.commands import COMMANDS, Command
from pixel.service import PixelError

_ENVIRONMENT: Final = """environment:
  PIXEL_API             the address of the session API; http://localhost:8080 without it
  PIXEL_ADMIN_KEY       the admin key
  PIXEL_ADMIN_KEY_FILE  a file that holds it, in its place
  PIXEL_OPERATOR        who you are, for the audit log; the user of this machine without it
"""
_OF_PAGES: Final = frozenset({"limit", "after"})


def parser() -> argparse.ArgumentParser:
    """All commands."""
    its = argparse.ArgumentParser(
        prog="pixel",
        description="What goes on in a Pixel Streaming service, and what may be done about it.",
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    its.add_argument("--json", action="store_true", help="the API's answer as it is")
    commands = its.add_subparsers(dest="command", required=True, metavar="command")
    for command in COMMANDS:
        route = command.route
        each = commands.add_parser(command.name, help=route.summary, description=f"{route.summary}.")
        for name in route.parameters:
            each.add_argument(name)
        for field in fields(command):
            _add(each, field)
    return its


def fields(command: Command) -> Iterator[FieldInfo]:
    """What a command's query or body has, but for pages that it asks for by itself."""
    for struct in (command.route.query, command.route.body):
        for field in () if struct is None else msgspec.structs.fields(struct):
            if not (command.whole and field.name in _OF_PAGES):
                yield field


def _add(parser: argparse.ArgumentParser, field: FieldInfo) -> None:
    """Values stay text: the definition converts them."""
    known: dict[str, Any] = {"help": _help(field), "choices": _choices(field)}
    if field.required:
        parser.add_argument(field.name, **known)
    elif field.default is False:
        parser.add_argument(_option(field), dest=field.name, action="store_const", const="true", help=known["help"])
    else:
        parser.add_argument(_option(field), dest=field.name, **known)


def _option(field: FieldInfo) -> str:
    return f"--{field.name.replace('_', '-')}"


def _help(field: FieldInfo) -> str | None:
    said = next((part.description for part in get_args(field.type) if isinstance(part, Meta)), None)
    return None if said is None else said.replace("%", "%%")


def _choices(field: FieldInfo) -> list[str] | None:
    for part in (field.type, *get_args(field.type)):
        if isinstance(part, type) and issubclass(part, StrEnum):
            return [each.value for each in part]
        if get_origin(part) is Literal:
            return [str(each) for each in get_args(part)]
    return None


def said(command: Command, given: argparse.Namespace) -> dict[str, str]:
    """The fields that were given, checked as the API will.

    Raises:
        PixelError: a value is none that the API takes.
    """
    values = {field.name: text for field in fields(command) if (text := _text(given, field.name)) is not None}
    _converted(command.route.body or command.route.query, values)
    return values


def named(command: Command, given: argparse.Namespace) -> dict[str, str]:
    """What the parameters of its path are.

    Raises:
        PixelError: one of them is no text.
    """
    return {name: _text(given, name) or "" for name in command.route.parameters}


def _text(given: argparse.Namespace, name: str) -> str | None:
    value: str | None = getattr(given, name)
    try:
        (value or "").encode()
    except UnicodeEncodeError as error:
        raise PixelError(f"{name} is {value!r}, which is no text in UTF-8") from error
    return value


def body(command: Command, values: Mapping[str, str]) -> dict[str, Any] | None:
    """What was given, as the body has it; None for a route without one."""
    struct = command.route.body
    if struct is None:
        return None
    everything = msgspec.to_builtins(_converted(struct, values))
    return {name: everything[name] for name in values}


def _converted(struct: type[msgspec.Struct], values: Mapping[str, str]) -> msgspec.Struct:
    try:
        return msgspec.convert(values, struct, strict=False)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `$.")
        raise PixelError(f"{where.rstrip('`')}: {problem}") from error
