"""Answers as text for a terminal."""

import json
from collections.abc import Iterable
from typing import Any, TextIO

from pixel.commands import Column, Command, Item


def show(command: Command, answer: Any, out: TextIO, *, as_json: bool) -> None:  # noqa: ANN401 - JSON
    """Print what came back."""
    if not as_json and command.columns:
        print(table(command.columns, command.items(answer)), file=out)
    elif not as_json and command.says is not None:
        print(printable(command.says(answer), keep="\n"), file=out)
    else:
        print(json.dumps(answer, indent=2), file=out)


def table(columns: tuple[Column, ...], items: Iterable[Item]) -> str:
    """A line for each item below the names of those columns that hold something."""
    rows = [[_cell(column.value(item)) for column in columns] for item in items]
    if not rows:
        return "nothing"
    shown = [at for at in range(len(columns)) if any(row[at] for row in rows)]
    lines = [[columns[at].name.upper() for at in shown], *([row[at] or "-" for at in shown] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(shown))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_cell, value))
        case dict():
            return ", ".join(f"{name} {_cell(each)}" for name, each in value.items())
        case float():
            return f"{value:g}"
        case _:
            return printable(str(value))


def printable(text: str, keep: str = "") -> str:
    """Without what would steer the terminal: names of players are what players say."""
    return "".join(each if each.isprintable() or each in keep else "\N{REPLACEMENT CHARACTER}" for each in text)
