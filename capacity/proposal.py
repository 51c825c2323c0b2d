"""Changes of a stack file as a unified diff, for a person to look at and apply with `patch`; nothing is written.

Comments stay, and so does whatever is not changed, to the letter.
"""

import difflib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

_WIDTH: Final = 120


def of_applications(path: Path, changes: Mapping[str, Mapping[str, Any]]) -> str:
    """The diff that puts values into entries of `apps`: by application's name, then by key, nested keys with dots.

    A value that is a mapping or a list replaces what was there; None takes the key out. Empty where nothing changes.

    Raises:
        ValueError: where the file would not stay as it is, or an application is not there.
    """
    before = path.read_text()
    document = _load(before)
    if _dump(document) != before:
        raise ValueError(
            f"{path} is written in a way that would not stay as it is; indent lists by two, and mappings too"
        )
    entries = {entry["name"]: entry for entry in document["config"]["pixel:apps"]}
    for name, values in changes.items():
        if name not in entries:
            raise ValueError(f"{path} has no application {name}; it has {', '.join(entries)}")
        for key, value in values.items():
            _put(entries[name], key.split("."), value)
    after = _dump(document)
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{path}", f"b/{path}")
    return "".join(lines)


def _put(entry: CommentedMap, keys: list[str], value: Any) -> None:  # noqa: ANN401 - what YAML holds
    *way, last = keys
    for key in way:
        if key not in entry:
            entry[key] = CommentedMap()
            entry[key].fa.set_flow_style()
        entry = entry[key]
    if value is None:
        entry.pop(last, None)
    elif not (last in entry and entry[last] == value):
        entry[last] = _formed(value)


def _formed(value: Any) -> Any:  # noqa: ANN401 - what YAML holds
    """The same in the form that stack files write such things in: `{instances: 2}`, and a list with a line for each."""
    if isinstance(value, Mapping):
        mapping = CommentedMap({key: _formed(each) for key, each in value.items()})
        if not any(isinstance(each, CommentedSeq) for each in mapping.values()):
            mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list | tuple):
        return CommentedSeq(_formed(each) for each in value)
    return value


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _load(text: str) -> Any:  # noqa: ANN401 - ruamel's tree
    return _yaml().load(text)


def _dump(document: Any) -> str:  # noqa: ANN401 - ruamel's tree
    text = io.StringIO()
    _yaml().dump(document, text)
    return text.getvalue()
