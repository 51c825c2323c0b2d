"""Writes docs/configuration.md: every key of a stack file, from its definition in `components/settings`.

``python -m local.documentation reference`` writes it anew; a test says when that is due.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence

from local.documentation.asking import ASKED, Question
from local.documentation.definitions import member_meanings
from local.documentation.keys import Key, collect
from local.documentation.specimens import BASE, EXAMPLES, Example, base, examples, specimens
from local.paths import CHECKOUT

PAGE = CHECKOUT / "docs" / "configuration.md"

_BEGINNING = f"""<!-- Written by `make docs-reference` from components/settings and docs/examples. -->
# Configuration

Every key of a stack file, `stacks/Pulumi.<STACK>.yaml`, below `config:`. What it may hold, what it is when left out and
what it means stand here as the program itself has them: the page is written from the code that reads the keys.

- A key that is unknown, missing or wrong ends the preview before anything is looked at; each refusal names the key, its
  value and what to write instead, and all of them come at once.
- An empty text or null is the same as leaving the key out.
- *required* means that there is no default. *by other keys* means that other keys decide it, as the right column says.
- A secret is written by `pulumi config set --secret --path '<key>'`, which encrypts it, or kept in a vault and named
  by its OCID. No refusal shows one.
- `pulumi:disable-default-providers: ["*"]` stands in every stack file: the program names its providers itself.

The examples are parts of stack files that are otherwise those of `{BASE}`, and the program takes each of them.
"""

_WORDS: Mapping[str, str] = {
    "whole": "a whole number, {low} to {high}",
    "number": "a number, {low:.12g} to {high:.12g}",
    "flag": "`true` or `false`",
    "network": 'a network such as "10.0.0.0/16"',
    "networks": "a list of networks",
    "section": "keys: [below](#{anchor})",
    "sections": "a list, each with keys: [below](#{anchor})",
}
"""What a key may hold, by the method that reads it; of others the method's own `form` says it."""

_REGION = base()["oci:region"]

_TABLE = "| key | holds | left out | meaning |\n| --- | --- | --- | --- |\n"


class UndescribedError(Exception):
    """A key whose definition says too little; one line for each."""


def written() -> str:
    """The page as it should be."""
    return written_of(collect(specimens()))


def written_of(keys: Sequence[Key]) -> str:
    """The page of these keys.

    Raises:
        UndescribedError: a key without a meaning, or without words for what it may hold.
    """
    return _BEGINNING + "".join(_Page(keys).parts())


class _Page:
    """The keys, each by the mapping that holds it."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = keys
        if lines := [f"{key.name}: {want}" for key in keys for want in self._wants(key)]:
            raise UndescribedError("\n".join(lines))

    def parts(self) -> Iterator[str]:
        """The page's pieces below its beginning."""
        of_the_file = [key for key in self._keys if not key.section]
        of_the_file.sort(key=lambda key: key.holds_keys)
        yield f"\n## The stack\n\n{self._table(of_the_file)}"
        yield from (_shown(example) for example in examples(EXAMPLES / "stack.yaml"))
        for key in of_the_file:
            if key.holds_keys:
                yield from self._section(key, 2)
                yield from (_shown(example) for example in examples(EXAMPLES / f"{key.own_name}.yaml"))

    def _section(self, key: Key, depth: int) -> Iterator[str]:
        """A mapping's heading, its keys, and the mappings in it."""
        own = sorted(self._within(key), key=lambda each: each.holds_keys)
        yield f"\n{'#' * min(depth, 4)} {_heading(key)}\n\n{self._meaning(key)}\n\n{self._table(own)}"
        for each in own:
            if each.holds_keys:
                yield from self._section(each, depth + 1)

    def _table(self, keys: Sequence[Key]) -> str:
        rows = [(f"`{key.own_name}`", _holds(key), _left_out(key), self._meaning(key)) for key in keys]
        lines = (" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows)
        return _TABLE + "".join(f"| {line} |\n" for line in lines)

    def _within(self, key: Key) -> list[Key]:
        return [each for each in self._keys if each.section in (f"{key.name}.", f"{key.name}[].")]

    def _meaning(self, key: Key) -> str:
        return _section_meaning(key, self._within(key)) if key.holds_keys else _meaning(key)

    def _wants(self, key: Key) -> Iterator[str]:
        if not self._meaning(key):
            landing = key.landing
            where = f"{landing.owner.__name__}.{landing.name}" if landing else "the field that it ends up in"
            yield f"no docstring below {where}"
        if not _holds(key):
            yield "nothing says what it may hold"


def _heading(key: Key) -> str:
    return key.name.removeprefix("pixel:").replace("[]", "")


def _holds(key: Key) -> str:
    values = key.values
    if values and not any(each.way == "flag" for each in key.questions):
        return listed([f"`{value}`" for value in values])
    read = [each for each in key.questions if each.way != ASKED]
    words = dict.fromkeys(_words(each, key) for each in read) if read else {_of_remedy(key.remedy): None}
    return _marked(" or ".join(words))


def _words(question: Question, key: Key) -> str:
    if question.way == "secret":
        text = _of_remedy(question.arguments["remedy"])
        return f"a secret: {text}" if text.startswith("pulumi config") else text
    arguments = {"anchor": _anchor(_heading(key)), **question.arguments}
    template = _WORDS.get(question.way, "{form}")
    text = re.sub(rf"\b(in|of) {_REGION}", r"\1 the region", template.format_map(arguments))
    return f"a list, each {text}" if question.way == "texts" else text


def _of_remedy(remedy: str) -> str:
    """What a refusal says to use, of a key that no method of a reader takes whole."""
    return re.sub(r"^(Use|Give|Set it to) ", "", remedy)


def _left_out(key: Key) -> str:
    only = f"only with `{key.only_with}`" if key.only_with else ""
    if key.required_with:
        only = "" if key.only_with == key.required_with else only
        return "; ".join(filter(None, (f"required with `{key.required_with}`", only)))
    if key.required:
        return "; ".join(filter(None, ("required by other keys" if key.optional else "required", only)))
    default = key.default if " " in key.default or not key.default else f"`{key.default}`"
    return "; ".join(filter(None, (default or "nothing", only)))


def _meaning(key: Key) -> str:
    texts = [key.landing.meaning] if key.landing else []
    for question in key.questions:
        if "choices" in question.arguments:
            meanings = member_meanings(question.arguments["choices"])
            texts += [f"`{value}`: {text}" for value, text in meanings.items() if text]
            break
    return "<br>".join(filter(None, texts))


def _section_meaning(key: Key, own: Sequence[Key]) -> str:
    """What a mapping's field says, else what its module and its class say."""
    landing = key.landing
    if landing and landing.meaning and (landing.mapping or landing.name == key.own_name):
        return landing.meaning
    owner = next((each.landing.owner for each in own if each.landing), None)
    if owner is None:
        return ""
    module = sys.modules[owner.__module__]
    texts = [module.__doc__, owner.__doc__] if module.__name__.endswith(f".{key.own_name}") else [owner.__doc__]
    return " ".join(dict.fromkeys(filter(None, map(_without_key, texts))))


def _without_key(docstring: str | None) -> str:
    """The first sentence or two of a docstring, without the words that say which key it is about."""
    first = " ".join((docstring or "").strip().partition("\n\n")[0].split())
    text = re.sub(r"^The `\w+` key( of [^.:;]+)?[.:;]? *|^`[\w.]+`: *", "", first)
    return text[:1].upper() + text[1:]


def _shown(example: Example) -> str:
    title = f"\n{example.title}:\n" if example.title else ""
    return f"{title}\n```yaml\n{example.text.rstrip()}\n```\n"


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists those of which one is to be chosen."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w-]", "", heading.lower())


def _marked(text: str) -> str:
    """What stands in quotation marks, and commands, as code."""
    return re.sub(r"(?<=: )(pulumi config set .*)", r"`\1`", re.sub(r'"([^"]+)"', r"`\1`", text))
