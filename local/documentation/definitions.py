"""Reads the definitions of settings: docstrings of fields and of enumerations' members, which Python itself drops."""

import ast
import functools
import inspect
import itertools
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any, get_type_hints


@dataclass(frozen=True)
class Field:
    """A field of a settings dataclass."""

    owner: type
    name: str

    @property
    def meaning(self) -> str:
        """The docstring below the field; empty if there is none."""
        return docstrings(self.owner).get(self.name, "")

    @property
    def default(self) -> Any:  # noqa: ANN401 - of the field's type
        """The field's own default, or `dataclasses.MISSING`."""
        return next(each.default for each in fields(self.owner) if each.name == self.name)

    @property
    def mapping(self) -> type | None:
        """The dataclass that the field holds, alone or several of it; nothing for a plain value."""
        pending: list[Any] = [get_type_hints(self.owner)[self.name]]
        while pending:
            hint = pending.pop()
            if isinstance(hint, type) and is_dataclass(hint):
                return hint
            pending += getattr(hint, "__args__", ())
        return None


def field_named(owner: object, name: str) -> Field | None:
    """The field of a class, if it is a dataclass that has one of that name."""
    if isinstance(owner, type) and is_dataclass(owner) and name in (each.name for each in fields(owner)):
        return Field(owner, name)
    return None


@functools.cache
def docstrings(owner: type) -> Mapping[str, str]:
    """The docstrings of a class' fields or members, each in one line."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    (definition,) = (each for each in tree.body if isinstance(each, ast.ClassDef))
    found: dict[str, str] = {}
    for field, text in itertools.pairwise(definition.body):
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            targets = [field.target] if isinstance(field, ast.AnnAssign) else getattr(field, "targets", [])
            for target in (each for each in targets if isinstance(each, ast.Name)):
                found[target.id] = " ".join(text.value.value.split())
    return found


def member_meanings(choices: type[StrEnum]) -> dict[str, str]:
    """Each value of an enumeration with its docstring; empty where there is none."""
    texts = docstrings(choices)
    return {member.value: texts.get(name, "") for name, member in choices.__members__.items()}
