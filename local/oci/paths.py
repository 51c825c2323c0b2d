"""Reading nested properties by path, where ``[]`` after a key means every item of the list."""

from collections.abc import Iterator, Mapping
from typing import Any

Node = Any
"""Any value inside a property map."""


def walk(properties: Mapping[str, Node], path: str) -> Iterator[tuple[str, Node]]:
    """Every value at the path, with the concrete path to it; nothing where a step is missing."""
    yield from _walk(properties, path.split("."), "")


def _walk(value: Node, steps: list[str], at: str) -> Iterator[tuple[str, Node]]:
    if not steps:
        yield at, value
        return
    step, rest = steps[0], steps[1:]
    key = step.removesuffix("[]")
    if not isinstance(value, Mapping) or value.get(key) is None:
        return
    here = f"{at}.{key}" if at else key
    found = value[key]
    if not step.endswith("[]"):
        yield from _walk(found, rest, here)
    elif isinstance(found, list):
        for index, item in enumerate(found):
            yield from _walk(item, rest, f"{here}[{index}]")


def value_at(properties: Mapping[str, Node], path: str) -> Node:
    """The value at a path without lists, None where a step is missing."""
    for _, value in walk(properties, path):
        return value
    return None


def leaves(value: Node, at: str = "") -> Iterator[tuple[str, Node]]:
    """Every value that is neither map nor list, with its path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, f"{at}.{key}" if at else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{at}[{index}]")
    else:
        yield at, value


def above(path: str) -> str:
    """A concrete path without its list positions: ``a[0].b`` -> ``a.b``."""
    out, skip = [], False
    for letter in path:
        if letter == "[":
            skip = True
        elif letter == "]":
            skip = False
        elif not skip:
            out.append(letter)
    return "".join(out)
