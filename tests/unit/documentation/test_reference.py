"""The reference of configuration keys: complete, up to date, and true of what the settings do."""

import ast
import re
from pathlib import Path

import pytest

from components.settings import SettingsError, load, reading
from components.settings.reading import Reader
from local.documentation.asking import ASKED, ask, ways
from local.documentation.keys import Key
from local.documentation.landing import FOLDER
from local.documentation.reference import PAGE, UndescribedError, written_of
from local.documentation.specimens import base, specimens
from tests.unit.components.settings_cases import GOOD


def test_the_page_is_up_to_date(keys: list[Key]) -> None:
    assert written_of(keys) == PAGE.read_text(), "run make docs-reference"


def reading_calls() -> set[tuple[str, int, int]]:
    """Where the settings read a key: every call of a `Reader`'s method that takes one."""
    methods = ways().keys() - {ASKED}
    return {
        (str(path), call.lineno, call.col_offset)
        for path in FOLDER.glob("*.py")
        if path != Path(reading.__file__)
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in methods
    }


def test_the_examples_have_every_key_read_once(keys: list[Key]) -> None:
    heard = {(each.site.path, each.site.line, each.site.column) for key in keys for each in key.questions if each.site}
    calls = reading_calls()
    assert len(calls) > 100
    assert not calls - heard, "no example in docs/examples makes the settings read these"


def test_every_key_of_the_stack_files_is_described(keys: list[Key]) -> None:
    known = {key.name for key in keys}

    def named(value: object, name: str) -> set[str]:
        if isinstance(value, list):
            return {each for item in value for each in named(item, f"{name}[]")}
        if isinstance(value, dict):
            return {each for key, item in value.items() for each in {f"{name}.{key}"} | named(item, f"{name}.{key}")}
        return set()

    ours = {key: value for key, value in (base() | GOOD).items() if key.startswith("pixel:")}
    assert {each for key, value in ours.items() for each in named(value, key)} <= known


def described(keys: list[Key], name: str) -> str:
    """The row of a key, of which the name is the last part."""
    key = next(key for key in keys if key.name == name)
    heading = key.section.removeprefix("pixel:").rstrip(".").replace("[]", "")
    section = re.split(r"\n#{2,4} ", written_of(keys).split(f" {heading}\n", 1)[1])[0]
    return next(line for line in section.splitlines() if line.startswith(f"| `{key.own_name}` |"))


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("pixel:pools.gpu.boot_volume_gb", "| a whole number, 50 to 32768 | `200` | Of each node"),
        ("pixel:pools.default.boot_volume_gb", "| a whole number, 50 to 32768 | `50` | Of each node"),
        ("pixel:pools.gpu.sharing.slots", "| a whole number, 2 to 48 | required with `mode: time-slicing` | "),
        ("pixel:pools.gpu.prepull", "| `true` or `false` | `true` | Whether every GPU node fetches"),
        ("pixel:network.subnets.workers", "| a network such as `10.0.0.0/16` | by other keys | "),
        ("pixel:certificates.email", "| an address such as `platform@example.com` | required with `enabled: true` | "),
        ("pixel:certificates.dns01.tsig_algorithm", "| `HMACSHA256`; only with `solver: rfc2136` | "),
        ("pixel:monitoring.alerts[].channel", "| nothing; only with `by: slack` | "),
        ("pixel:monitoring.gpu_hour_price", "| an amount such as 2.00, at most four digits before and after"),
        ("pixel:redis.nodes", "| a whole number, 1 to 5 | `2`; only with `mode: managed` | "),
        ("pixel:apps[].resources.cpu_limit", "| by other keys | Bound on bursts"),
        ("pixel:cluster.existing.kubeconfig", "| nothing | Content of the kubeconfig of any other cluster"),
    ],
)
def test_rows_say_what_the_settings_do(keys: list[Key], name: str, row: str) -> None:
    assert row in described(keys, name)


def test_a_key_without_a_docstring_is_named_with_the_field(keys: list[Key], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.documentation.definitions.docstrings", lambda owner: {})
    with pytest.raises(UndescribedError, match=r"pixel:network\.cidr: no docstring below NetworkSettings\.cidr"):
        written_of(keys)


def test_listening_leaves_the_readers_as_they_were() -> None:
    before = {name: getattr(Reader, name) for name in ways()}
    answer = ask(GOOD | {"pixel:netwrok": {}})
    assert answer.settings is None
    assert "pixel:netwrok" in answer.remedies
    assert {name: getattr(Reader, name) for name in ways()} == before
    with pytest.raises(SettingsError, match="pixel:netwrok"):
        load(GOOD | {"pixel:netwrok": {}})


def test_every_specimen_is_taken() -> None:
    for specimen in specimens():
        load(specimen.config)
