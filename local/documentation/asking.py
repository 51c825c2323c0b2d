"""Notes what the settings ask of a stack file while they read one: each key, how it is read, and where it lands.

The readers in `components/settings` are the definition of a key: its form, bounds and default are arguments of a
`Reader`'s method, and its meaning is the docstring of the dataclass field that the value ends up in. So nothing of it
is said twice: the reference is made by reading stack files with the `Reader`'s methods listened to.
"""

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

from components.settings import Settings, SettingsError, load, reading
from components.settings.reading import Reader, Refusals
from local.documentation.definitions import Field
from local.documentation.landing import Site, field_of, site_of

ABSENT = inspect.signature(Reader.whole).parameters["default"].default
"""What a method's `default` is where the key has to be there."""

ASKED = "has"
"""The method that only asks whether a key is there."""


@dataclass(frozen=True)
class Question:
    """One call of a `Reader`'s method."""

    key: str
    """Of the very file: `pixel:apps[0].name`."""
    within: str
    """The mapping that holds it, with what separates the two: `pixel:apps[0].`."""
    name: str
    """Its name there."""
    way: str
    """The method."""
    arguments: Mapping[str, Any]
    site: Site | None = None
    """Where the settings call it."""
    field: Field | None = None
    """Where the value ends up, as far as the code around the call tells."""


@dataclass(frozen=True)
class Answer:
    """What became of one stack file."""

    questions: tuple[Question, ...]
    remedies: Mapping[str, str]
    """What each refused key was answered with, by its full name."""
    missing: frozenset[str]
    """Keys for want of which the file was refused."""
    settings: Settings | None
    """None of a file that was refused."""

    def asks_for(self, key: str) -> bool:
        """Whether the settings wanted to know of a key, by its full name."""
        return any(question.key == key for question in self.questions)


@functools.cache
def ways() -> dict[str, Callable[..., Any]]:
    """The methods of a `Reader` by which a key is read or asked for."""
    found = inspect.getmembers(Reader, inspect.isfunction)
    return {
        name: method
        for name, method in found
        if not name.startswith("_") and name != "key" and "name" in inspect.signature(method).parameters
    }


def ask(config: Mapping[str, Any], *, places: bool = False) -> Answer:
    """Load a stack file, good or bad, and tell what was asked of it; with `places`, where in the code."""
    questions: list[Question] = []
    remedies: dict[str, str] = {}
    missing: set[str] = set()
    settings = None
    # What a refusal says has been heard.
    with _listening(questions, remedies, missing, places=places), suppress(SettingsError):
        settings = load(config)
    return Answer(tuple(questions), remedies, frozenset(missing), settings)


@contextmanager
def _listening(
    questions: list[Question], remedies: dict[str, str], missing: set[str], *, places: bool
) -> Iterator[None]:
    heard: dict[tuple[type, str], Callable[..., Any]] = {
        (Reader, name): _heard(method, questions, places=places) for name, method in ways().items()
    }

    def add(refusals: Refusals, key: str, value: object, problem: str, remedy: str) -> None:
        remedies.setdefault(key, remedy)
        originals[Refusals, "add"](refusals, key, value, problem, remedy)

    def miss(refusals: Refusals, key: str, remedy: str) -> None:
        missing.add(key)
        originals[Refusals, "missing"](refusals, key, remedy)

    replaced: dict[tuple[type, str], Callable[..., Any]] = {
        **heard,
        (Refusals, "add"): add,
        (Refusals, "missing"): miss,
    }
    originals = {(owner, name): getattr(owner, name) for owner, name in replaced}
    try:
        for (owner, name), method in replaced.items():
            setattr(owner, name, method)
        yield
    finally:
        for (owner, name), method in originals.items():
            setattr(owner, name, method)


def _heard(method: Callable[..., Any], questions: list[Question], *, places: bool) -> Callable[..., Any]:
    # Not `Signature.bind`, which would take most of the time: it is said thousands of times what is asked.
    _, *parameters = inspect.signature(method).parameters.values()
    defaults = {each.name: each.default for each in parameters if each.default is not each.empty}

    @functools.wraps(method)
    def heard(reader: Reader, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - any method of a Reader
        frame = sys._getframe(1)
        if frame.f_code.co_filename != reading.__file__:
            told = zip((each.name for each in parameters), given, strict=False)
            arguments = {**defaults, **dict(told), **named}
            questions.append(_question(reader, method.__name__, arguments, frame if places else None))
        return method(reader, *given, **named)

    return heard


def _question(reader: Reader, way: str, arguments: dict[str, Any], frame: FrameType | None) -> Question:
    name = str(arguments.pop("name"))
    question = Question(reader.key(name), reader.prefix, name, way, arguments)
    return question if frame is None else replace(question, site=site_of(frame), field=field_of(frame, name))
