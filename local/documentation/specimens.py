"""The stack files that the reference is made from: one of the repository's, and one for each example of docs/examples.

Each example is the part of a stack file that it is about; the rest is production's. So the examples of the page are
stack files that the program takes, and between them they hold every key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.paths import CHECKOUT
from local.stack import read_stack_file

EXAMPLES = CHECKOUT / "docs" / "examples"
BASE = "production-us-ashburn-1"
"""The stack file that examples are parts of."""

_SEPARATOR = "---\n"


@dataclass(frozen=True)
class Example:
    """One example of the page."""

    title: str
    """Empty where a key has only one."""
    text: str
    config: Mapping[str, Any]
    """A whole stack file's."""


@dataclass(frozen=True)
class Specimen:
    """A stack file by what it is called in messages."""

    name: str
    config: Mapping[str, Any]


def base() -> dict[str, Any]:
    """The `config` of the stack file that examples are parts of."""
    config: dict[str, Any] = read_stack_file(BASE)["config"]
    return config


def examples(path: Path) -> list[Example]:
    """The examples of one file; a comment in the first line is the title."""
    found = []
    for text in path.read_text().split(_SEPARATOR):
        first, _, rest = text.partition("\n")
        title, shown = (first.removeprefix("#").strip(), rest) if first.startswith("#") else ("", text)
        found.append(Example(title, shown, _completed(yaml.safe_load(text))))
    return found


def specimens() -> list[Specimen]:
    """Every stack file, that of the repository first."""
    found = [Specimen(BASE, base())]
    for path in sorted(EXAMPLES.glob("*.yaml")):
        found += [Specimen(f"docs/examples/{path.name} ({i})", each.config) for i, each in enumerate(examples(path), 1)]
    return found


def _completed(part: Mapping[str, Any]) -> dict[str, Any]:
    """An example with the keys of the base that it does not name, and of pools those that it leaves out."""
    rest = base()
    pools = "pixel:pools"
    return {**rest, **part, pools: {**rest[pools], **part.get(pools, {})}}
