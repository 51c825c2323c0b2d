"""What is known of each configuration key, found by asking the settings about many stack files.

A key's default and whether it is required are not read off the code but tried: it is taken out of a stack file that
has it. Where they hang on another key of the same mapping, that one is given each of its values in turn.
"""

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from local.documentation.asking import ABSENT, ASKED, Answer, Question, ask
from local.documentation.definitions import Field
from local.documentation.specimens import Specimen

SECTIONS = ("section", "sections")
"""The ways of keys that hold keys."""

NAMED_BY_WHOEVER_WRITES: Mapping[str, str] = {
    "pixel:apps[].environment.": "<NAME>",
    "pixel:mirrors.charts.": "<repository>",
}
"""Mappings whose keys are the stack's own, and what stands for them."""

COMPUTED = "by other keys"
"""The default of a key that is not the same in every stack file."""


class RefusedError(Exception):
    """An example that the settings do not take; one line for each key."""


@dataclass
class Key:
    """One key of a stack file."""

    name: str
    """As it is written: `pixel:apps[].name`, without places in lists."""
    section: str
    """The mapping that holds it, with what separates the two: `pixel:apps[].`; empty for a key of the file itself."""
    questions: list[Question] = field(default_factory=list)
    """How it is read, once for each place in the code."""
    remedy: str = ""
    """What a value that is none is answered with."""
    required: bool = False
    """Whether a file without it is refused, in some case at least."""
    optional: bool = False
    """Whether a file without it is taken, in some case at least."""
    defaults: dict[str, None] = field(default_factory=dict)
    only_with: str = ""
    """The other keys' values with which it may be there, if not with all."""
    required_with: str = ""

    @property
    def own_name(self) -> str:
        """The name within the mapping."""
        return self.name.removeprefix(self.section).removeprefix("pixel:")

    @property
    def holds_keys(self) -> bool:
        """Whether its value is a mapping, or a list of them."""
        return any(each.way in SECTIONS for each in self.questions)

    @property
    def values(self) -> list[str | bool]:
        """The values of a choice or a flag; none of a key that may hold others."""
        choices = [each.arguments["choices"] for each in self.questions if "choices" in each.arguments]
        if choices:
            return [member.value for member in choices[0]]
        return [True, False] if any(each.way == "flag" for each in self.questions) else []

    @property
    def landing(self) -> Field | None:
        """Where its value ends up."""
        asked_last = sorted(self.questions, key=lambda each: each.way == ASKED)
        return next((each.field for each in asked_last if each.field), None)

    @property
    def default(self) -> str:
        """The value of a file that leaves it out; empty for none."""
        known = list(self.defaults)
        return known[0] if len(known) == 1 else COMPUTED if known and all(known) else ""


def collect(specimens: Iterable[Specimen]) -> list[Key]:
    """Every key that any of the stack files has or could have, in the order in which the settings read them.

    Raises:
        RefusedError: a stack file was refused, so that it shows nothing.
    """
    found: dict[str, Key] = {}
    answered = [(each, ask(each.config, places=True)) for each in specimens]
    for specimen, answer in answered:
        if answer.settings is None:
            refused = {**dict.fromkeys(sorted(answer.missing), "Set it"), **answer.remedies}
            raise RefusedError("\n".join(f"{specimen.name}: {key}: {remedy}" for key, remedy in refused.items()))
        for question in answer.questions:
            name, section = _general(question)
            key = found.setdefault(name, Key(name, section))
            if question.site not in [each.site for each in key.questions]:
                key.questions.append(question)
    for key in found.values():
        where = list(_occurrences(key, answered))
        _try_without(key, where)
        _try_with_nonsense(key, *where[0])
    for section in dict.fromkeys(key.section for key in found.values() if key.section):
        _try_switches([key for key in found.values() if key.section == section], answered)
    return list(found.values())


def _general(question: Question) -> tuple[str, str]:
    """The name of a question's key and of the mapping that holds it, whichever item of a list that is in."""
    section = re.sub(r"\[\d+\]", "[]", question.within)
    section = "" if section == "pixel:" else section
    name = NAMED_BY_WHOEVER_WRITES.get(section, question.name)
    return re.sub(r"\[\d+\]", "[]", question.within) + name, section


def _path(question: Question) -> list[str | int]:
    """Where the key is in a stack file's `config`."""
    parts = re.findall(r"([^.\[\]]+)|\[(\d+)\]", question.within.removeprefix("pixel:"))
    way: list[str | int] = [int(place) if place else name for name, place in parts]
    first, *rest = [*way, question.name]
    return [f"pixel:{first}" if question.key.startswith("pixel:") else first, *rest]


def _changed(config: Mapping[str, Any], path: Sequence[str | int], value: object) -> dict[str, Any]:
    """A stack file with one value set, or without it (`ABSENT`); mappings on the way are made if need be."""
    # Only what is on the way is copied: nobody else writes into a stack file.
    changed = dict(config)
    *way, last = path
    at: Any = changed
    for part in way:
        inner = copy.copy(at[part] if isinstance(part, int) else at.get(part, {}))
        at[part] = inner
        at = inner
    if value is ABSENT:
        at.pop(last, None)
    else:
        at[last] = value
    return changed


def _value(config: Mapping[str, Any], path: Sequence[str | int]) -> Any:  # noqa: ANN401 - what a YAML file holds
    at: Any = config
    for part in path:
        at = at[part] if isinstance(part, int) else at.get(part, ABSENT) if isinstance(at, Mapping) else ABSENT
    return at


def _occurrences(key: Key, answered: Sequence[tuple[Specimen, Answer]]) -> Iterator[tuple[Specimen, Question]]:
    """The key in each stack file that it is asked for in, and that is about it; of a list the first item."""
    seen = []
    for specimen, answer in answered:
        question = next((each for each in answer.questions if _general(each)[0] == key.name), None)
        if question is None:
            continue
        around = specimen.config.get(str(_path(question)[0]))
        if around not in seen:
            seen.append(around)
            yield specimen, question


def _try_without(key: Key, where: Iterable[tuple[Specimen, Question]]) -> None:
    for specimen, question in where:
        changed = _changed(specimen.config, _path(question), ABSENT)
        answer = ask(changed)
        if question.key in answer.missing:
            key.required = True
        else:
            key.optional = True
            key.defaults |= dict.fromkeys(_defaults(key, question, answer))


def _defaults(key: Key, question: Question, answer: Answer) -> Iterator[str]:
    """What stands for the key in a file without it: what the reading says, else what is in its field."""
    told = [each for each in answer.questions if each.key == question.key and each.way != ASKED]
    given = [each.arguments["default"] for each in told if each.arguments.get("default", ABSENT) is not ABSENT]
    if given:
        yield _shown(given[0])
    elif not key.holds_keys and (landing := key.landing) and answer.settings:
        found = [getattr(each, landing.name) for each in _instances(answer.settings, landing.owner)]
        for each in found:
            # What is no constant of the definition was made of other keys.
            yield _shown(each) if isinstance(each, bool) or not each or each == landing.default else COMPUTED


def _instances(value: object, owner: type) -> Iterator[object]:
    """Every instance of a class among settings."""
    if isinstance(value, owner):
        yield value
    if is_dataclass(value):
        for each in fields(value):
            yield from _instances(getattr(value, each.name), owner)
    elif isinstance(value, tuple):
        for item in value:
            yield from _instances(item, owner)


def _shown(value: object) -> str:
    """A default as it would be written; empty for none."""
    if value is None or value in ("", (), [], {}):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_shown(each) for each in value)
    return str(value)


def _try_with_nonsense(key: Key, specimen: Specimen, question: Question) -> None:
    answer = ask(_changed(specimen.config, _path(question), [[]]))
    key.remedy = answer.remedies.get(question.key, "")


def _try_switches(keys: Sequence[Key], answered: Sequence[tuple[Specimen, Answer]]) -> None:
    """Find on which values of a choice or a flag of one mapping its other keys hang."""
    known = {
        key.name: [
            value
            for specimen, question in _occurrences(key, answered)
            if (value := _value(specimen.config, _path(question))) is not ABSENT
        ]
        for key in keys
    }
    for switch in keys:
        specimen, question = next(_occurrences(switch, answered))
        files = [(value, _changed(specimen.config, _path(question), value)) for value in switch.values]
        for other in keys if files else []:
            if other is switch or other.only_with or other.required_with:
                continue
            sibling = replace(question, name=other.own_name, key=question.within + other.own_name)
            fits = [value for value, file in files if _fits(file, sibling, known[other.name])]
            needs = [value for value, file in files if _needs(file, sibling)]
            if fits and len(fits) < len(files):
                other.only_with = _with(switch, fits)
            if needs and len(needs) < len(files):
                other.required_with = _with(switch, needs)


def _fits(config: Mapping[str, Any], question: Question, values: Iterable[object]) -> bool:
    """Whether a key may be in a file, with one of the values that it has elsewhere."""
    answers = [ask(_changed(config, _path(question), value)) for value in values]
    return any(answer.asks_for(question.key) and question.key not in answer.remedies for answer in answers)


def _needs(config: Mapping[str, Any], question: Question) -> bool:
    """Whether a file is refused for want of a key."""
    return question.key in ask(_changed(config, _path(question), ABSENT)).missing


def _with(switch: Key, values: Iterable[str | bool]) -> str:
    return f"{switch.own_name}: {' or '.join(_shown(value) for value in values)}"
