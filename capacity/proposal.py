"""Changes of a stack file as a unified diff, for a person to look at and apply with `patch`; nothing is written.

Comments stay, and so does whatever is not changed, to the letter.
"""

import copy
import difflib
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    with _changed(path) as change:
        for name, values in changes.items():
            entry = change.entry(name)
            for key, value in values.items():
                _put(entry, key.split("."), value)
    return change.diff


def of_fleets(path: Path, requests: Mapping[str, Mapping[str, str]]) -> str:
    """The diff that gives applications the CPU requests of classes: by application, then by class.

    A class without a name changes the application itself; of several each becomes an application of its own, named
    after both, in the place of the one that there was.
    """
    with _changed(path) as change:
        for name, classes in requests.items():
            entry = change.entry(name)
            if list(classes) == [""]:
                _put(entry, ["resources", "cpu"], classes[""])
                continue
            place = change.entries.index(entry)
            change.entries.remove(entry)
            for number, (suffix, cpu) in enumerate(classes.items()):
                its = copy.deepcopy(entry)
                its["name"] = f"{name}-{suffix}"
                _put(its, ["resources", "cpu"], cpu)
                change.entries.insert(place + number, its)
    return change.diff


class _Change:
    """A stack file that is being changed in memory."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        self._before: Final = path.read_text()
        self.document: Final = _load(self._before)
        if _dump(self.document) != self._before:
            raise ValueError(
                f"{path} is written in a way that would not stay as it is; indent mappings and lists by two"
            )
        self.entries: Final[CommentedSeq] = self.document["config"]["pixel:apps"]
        self.diff = ""

    def entry(self, name: str) -> CommentedMap:
        """An application's entry."""
        names = [entry["name"] for entry in self.entries]
        if name not in names:
            raise ValueError(f"{self._path} has no application {name}; it has {', '.join(names)}")
        found: CommentedMap = self.entries[names.index(name)]
        return found

    def finish(self) -> None:
        """Compare."""
        before = self._before.splitlines(True)
        after = _with_comments_of(before, _dump(self.document).splitlines(True))
        self.diff = "".join(difflib.unified_diff(before, after, f"a/{self._path}", f"b/{self._path}"))


def _with_comments_of(before: list[str], after: list[str]) -> list[str]:
    """Put back the lines of comment that went with what was replaced: each may be about what follows it."""
    kept: list[str] = []
    for kind, start, end, new_start, new_end in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        replaced = after[new_start:new_end]
        kept += replaced
        if kind in ("replace", "delete"):
            kept += [line for line in before[start:end] if line.lstrip().startswith("#") and line not in replaced]
    return kept


@contextmanager
def _changed(path: Path) -> Iterator[_Change]:
    change = _Change(path)
    yield change
    change.finish()


def _put(entry: CommentedMap, keys: list[str], value: Any) -> None:  # noqa: ANN401 - what YAML holds
    *way, last = keys
    for key in way:
        if key not in entry:
            entry[key] = CommentedMap()
            entry[key].fa.set_flow_style()
        entry = entry[key]
    if last == "schedule":
        # What happens once, or by a cron expression, is not known of here.
        value = [*(value or ()), *(each for each in entry.get(last, ()) if "when" not in each)] or None
        if value:
            entry.fa.set_block_style()
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
