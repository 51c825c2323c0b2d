"""Settings from environment variables: a frozen dataclass defines them, a prefix and its field names are the keys."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

Settings = TypeVar("Settings")


class SettingError(ValueError):
    """A setting that cannot be used; the text names key, value and remedy."""


def _flag(text: str) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    return known[text.lower()]


_READERS: Final[Mapping[object, tuple[Callable[[str], Any], str]]] = {
    str: (str, "a text"),
    int: (int, "a whole number"),
    float: (float, "a number"),
    bool: (_flag, "true or false"),
    Path: (Path, "a path"),
    Path | None: (Path, "a path"),
}


def read(definition: type[Settings], prefix: str, environ: Mapping[str, str]) -> Settings:
    """An instance of the dataclass ``definition``; a field ``max_players`` is read from ``<prefix>MAX_PLAYERS``.

    Raises SettingError for a value that is not of the field's type or that the class's own checks refuse.
    """
    given: dict[str, Any] = {}
    for field in dataclasses.fields(definition):  # type: ignore[arg-type]  # Any dataclass will do.
        key = f"{prefix}{field.name.upper()}"
        text = environ.get(key, "")
        if text:
            convert, expected = _READERS[field.type]
            try:
                given[field.name] = convert(text)
            except (KeyError, ValueError) as error:
                raise SettingError(f"{key}={text!r} is not {expected}; set it to {expected} or leave it out") from error
    return definition(**given)


def require(holds: bool, key: str, value: object, remedy: str) -> None:
    """Refuse ``value`` of setting ``key`` unless ``holds``."""
    if not holds:
        raise SettingError(f"{key}={value!r} cannot be used: {remedy}")
