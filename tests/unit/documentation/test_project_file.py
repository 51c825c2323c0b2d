"""What Pulumi.yaml says of the keys, against the keys there are."""

import re
from pathlib import Path
from typing import Any

import yaml

from local.documentation.keys import Key

ROOT = Path(__file__).resolve().parents[3]
CONFIG: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]

UNNAMED = {"<NAME>", "<repository>"}
"""What stands for names that the stack makes up."""


def below(keys: list[Key], top: str) -> list[Key]:
    """The keys within one of the project's."""
    return [key for key in keys if re.match(rf"pixel:{top}(\.|\[\]\.)", key.name)]


def test_it_has_the_keys_that_the_settings_read(keys: list[Key]) -> None:
    assert set(CONFIG) == {key.own_name for key in keys if not key.section and key.name.startswith("pixel:")}


def test_each_description_names_every_key(keys: list[Key]) -> None:
    # What schedules have in common stands once, with those of an application.
    common = CONFIG["apps"]["description"]
    missing = [
        key.name
        for top, entry in CONFIG.items()
        for key in below(keys, top)
        if key.own_name not in UNNAMED and not re.search(rf"\b{key.own_name}\b", entry["description"] + common)
    ]
    assert not missing


def test_no_description_names_a_key_that_is_none(keys: list[Key]) -> None:
    names = {key.own_name for key in keys}
    paths = {key.name.removeprefix("pixel:").replace("[]", "") for key in keys}
    for top, entry in CONFIG.items():
        text = re.sub(r"docs/[\w.-]+", "", entry["description"])
        for word in re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", text):
            assert word in names, f"{top}: there is no key {word}"
        for path in re.findall(r"\b[a-z_]+(?:\.[a-z_]+)+\b", text):
            assert path in paths or path.split(".")[0] not in CONFIG, f"{top}: there is no key {path}"


def test_defaults_in_descriptions_are_the_defaults(keys: list[Key]) -> None:
    found = 0
    for top, entry in CONFIG.items():
        # Two mappings of one key may have keys of one name.
        defaults: dict[str, set[str]] = {}
        for key in below(keys, top):
            defaults.setdefault(key.own_name, set()).add(key.default)
        for name, value in re.findall(r"\b([a-z0-9_]+) \((\d[\w.]*|true|false|[A-Z]{3}|utc)\)", entry["description"]):
            if name in defaults:
                # "" is of a key that others of its mapping cannot do without, so what it is by default was not seen.
                assert {value, ""} & defaults[name], f"{top}: {name} is {defaults[name]} by default, not {value}"
                found += 1
    assert found > 8
