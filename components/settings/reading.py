"""Reads the mappings of a stack file and collects every refusal, each naming key, value and remedy.

A reader hands back a stand-in of the right type where it refuses, so that one run finds every bad key. The stand-ins
never leave: `Refusals.stop` raises before the settings are used, and is called before any check that spans keys.
"""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Any, TypeVar

import pulumi

Choice = TypeVar("Choice", bound=StrEnum)

PORT = r"(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
"""A port within a pattern: 1 to 65535. Kubernetes refuses a NetworkPolicy of any other."""

_ABSENT: Any = object()
_NOTHING = IPv4Network("0.0.0.0/32")


class SettingsError(pulumi.RunError):
    """A stack file was refused. One line per refusal; Pulumi prints it without a traceback."""

    def __init__(self, refusals: Sequence[str]) -> None:
        self.refusals = tuple(refusals)
        super().__init__("the stack file was refused:\n" + "\n".join(f"  {refusal}" for refusal in refusals))


@dataclass
class Refusals:
    """The refusals of one stack file so far."""

    lines: list[str] = field(default_factory=list)
    _missing: dict[str, str] = field(default_factory=dict)

    def add(self, key: str, value: object, problem: str, remedy: str) -> None:
        """Refuse a value that stands in the file."""
        self.lines.append(f"{key} is {_shown(value)}: {problem}. {remedy}.")

    def missing(self, key: str, remedy: str) -> None:
        """Refuse a file that leaves out a key."""
        self._missing[key] = f"{key} is missing. {remedy}."
        self.lines.append(self._missing[key])

    def withdraw_missing(self, key: str) -> None:
        """Say nothing of a missing key after all: it is there, misspelt."""
        if key in self._missing:
            self.lines.remove(self._missing.pop(key))

    def stop(self) -> None:
        """Raise if anything was refused.

        Raises:
            SettingsError: with every refusal so far.
        """
        if self.lines:
            raise SettingsError(self.lines)


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 120 else text[:117] + "..."


class Reader:
    """One mapping of the stack file; `close` refuses the keys that nobody asked for."""

    def __init__(self, values: Mapping[str, Any], prefix: str, refusals: Refusals) -> None:
        self.values = values
        self.prefix = prefix
        self.refusals = refusals
        self._asked: set[str] = set()

    def key(self, name: str) -> str:
        """The full name of a key as the person who wrote the file knows it."""
        return f"{self.prefix}{name}"

    def has(self, name: str) -> bool:
        """Whether the file sets a key (an empty text or null counts as unset)."""
        self._asked.add(name)
        return self.values.get(name) not in (None, "")

    def text(self, name: str, pattern: str, form: str, default: str = _ABSENT) -> str:
        """A text that matches `pattern` as a whole; `form` says in words and by example what fits."""
        value = self._take(name, form, default)
        if value is _ABSENT:
            return ""
        if not isinstance(value, str):
            self.refusals.add(self.key(name), value, "not a text", f"Use {form}, in quotation marks")
            return ""
        if not re.fullmatch(pattern, value):
            self.refusals.add(self.key(name), value, "of the wrong form", f"Use {form}")
        return value

    def secret(self, name: str, remedy: str, noun: str = "a text without blanks") -> str:
        """A text without blanks that no refusal shows; still encrypted, as `{secure: …}`, it reads as empty."""
        if not self.has(name):
            self.refusals.missing(self.key(name), remedy)
            return ""
        value = self.values[name]
        if isinstance(value, Mapping) and set(value) == {"secure"}:
            return ""
        if not isinstance(value, str) or re.search(r"\s", value):
            self.refusals.add(self.key(name), "(hidden)", f"not {noun}", remedy)
            return ""
        return value

    def whole(self, name: str, low: int, high: int, default: int = _ABSENT) -> int:
        """A whole number from `low` to `high`, both included."""
        form = f"a whole number from {low} to {high}"
        value = self._take(name, form, default)
        if value is _ABSENT:
            return low
        if isinstance(value, bool) or not isinstance(value, int):
            if not (isinstance(value, float) and value.is_integer()):
                self.refusals.add(self.key(name), value, "not a whole number", f"Use {form}")
                return low
            value = int(value)
        if not low <= value <= high:
            self.refusals.add(self.key(name), value, "out of range", f"Use {form}")
        return value

    def number(self, name: str, low: float, high: float, default: float = _ABSENT) -> float:
        """A number from `low` to `high`, both included."""
        form = f"a number from {low:g} to {high:g}"
        value = self._take(name, form, default)
        if value is _ABSENT:
            return low
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refusals.add(self.key(name), value, "not a number", f"Use {form}")
            return low
        if not low <= value <= high:
            self.refusals.add(self.key(name), value, "out of range", f"Use {form}")
        return float(value)

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._take(name, "true or false", _ABSENT)
        if value is _ABSENT:
            return False
        if not isinstance(value, bool):
            self.refusals.add(
                self.key(name), value, "neither true nor false", "Use true or false, without quotation marks"
            )
            return False
        return value

    def choice(self, name: str, choices: type[Choice], default: Choice = _ABSENT) -> Choice:
        """One of the values of an enumeration."""
        known = [choice.value for choice in choices]
        value = self._take(name, f"one of {', '.join(known)}", default)
        if value is _ABSENT:
            return next(iter(choices))
        if value not in known:
            self.refusals.add(self.key(name), value, "not a choice", _one_of(str(value), known))
            return next(iter(choices))
        return choices(value)

    def network(self, name: str) -> IPv4Network:
        """An IPv4 network in CIDR form whose host bits are zero."""
        value = self._take(name, 'a network such as "10.0.0.0/16"', _ABSENT)
        return _NOTHING if value is _ABSENT else self._network(self.key(name), value)

    def networks(self, name: str) -> tuple[IPv4Network, ...]:
        """A list of IPv4 networks; absent means none."""
        values = self._list(name, 'a list of networks such as ["192.0.2.0/24"]', [])
        return tuple(self._network(f"{self.key(name)}[{i}]", value) for i, value in enumerate(values))

    def texts(self, name: str, pattern: str, form: str, default: Sequence[str] = _ABSENT) -> tuple[str, ...]:
        """A list of texts that each match `pattern`."""
        texts = []
        for i, value in enumerate(self._list(name, f"a list, each {form}", default)):
            if isinstance(value, str) and re.fullmatch(pattern, value):
                texts.append(value)
            else:
                self.refusals.add(f"{self.key(name)}[{i}]", value, "of the wrong form", f"Use {form}")
        return tuple(texts)

    def section(self, name: str, *, optional: bool = False) -> "Reader":
        """A mapping within this one; an optional one that is absent reads as empty."""
        value = self._take(name, "a mapping of keys to values", {} if optional else _ABSENT)
        if value is not _ABSENT and not isinstance(value, Mapping):
            self.refusals.add(self.key(name), value, "not a mapping", "Write its keys below it, or {key: value, ...}")
            value = _ABSENT
        return _Silent(self) if value is _ABSENT else Reader(value, f"{self.key(name)}.", self.refusals)

    def sections(self, name: str) -> "list[Reader]":
        """A list of mappings, at least one."""
        readers = []
        for i, value in enumerate(self._list(name, "a list of mappings", _ABSENT)):
            key = f"{self.key(name)}[{i}]"
            if isinstance(value, Mapping):
                readers.append(Reader(value, f"{key}.", self.refusals))
            else:
                self.refusals.add(key, value, "not a mapping", "Write its keys below it, or {key: value, ...}")
        return readers

    def close(self) -> None:
        """Refuse every key that was not asked for, and suggest the nearest that was."""
        for name in sorted(set(self.values) - self._asked, key=str):
            known = sorted(self._asked)
            if near := _nearest(str(name), known):
                self.refusals.withdraw_missing(self.key(near))
            self.refusals.add(self.key(str(name)), self.values[name], "an unknown key", _one_of(str(name), known))

    def _take(self, name: str, form: str, default: object) -> Any:  # noqa: ANN401 - what a YAML file holds
        if self.has(name):
            return self.values[name]
        if default is _ABSENT:
            self.refusals.missing(self.key(name), f"Set it to {form}")
        return default

    def _list(self, name: str, form: str, default: object) -> Sequence[Any]:
        value = self._take(name, form, default)
        if value is _ABSENT:
            return ()
        if not isinstance(value, Sequence) or isinstance(value, str):
            self.refusals.add(self.key(name), value, "not a list", f"Use {form}")
            return ()
        if not value and default is _ABSENT:
            self.refusals.add(self.key(name), value, "empty", f"Use {form}")
        return value

    def _network(self, key: str, value: object) -> IPv4Network:
        try:
            return IPv4Network(value if isinstance(value, str) else str(value))
        except ValueError as error:
            self.refusals.add(key, value, f"not a network ({error})", 'Use a form such as "10.0.0.0/16"')
            return _NOTHING


class _Silent(Reader):
    """Stands in for a mapping that was refused as a whole: nothing more is said about its keys."""

    def __init__(self, parent: Reader) -> None:
        super().__init__({}, parent.prefix, Refusals())


def _one_of(given: str, known: Sequence[str]) -> str:
    near = _nearest(given, known)
    listing = "Known: " + ", ".join(known)
    return f"Did you mean {near}? {listing}" if near else listing


def _nearest(given: str, known: Sequence[str]) -> str | None:
    return next(iter(difflib.get_close_matches(given, known, n=1)), None)
