import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from local.images import build, page
from local.images.errors import ImageError
from local.images.recipes import RECIPES, Recipe
from local.paths import CHECKOUT

RECIPE = Recipe("demo", "demo/Dockerfile", packages=("demo",))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "demo").mkdir(parents=True)
    (root / "demo/Dockerfile").write_text("FROM scratch\n")
    (root / "demo/main.py").write_text("x = 1\n")
    (root / "other.py").write_text("y = 1\n")
    return root


def reference(checkout: Path, recipe: Recipe = RECIPE) -> str:
    return build.plan(checkout, checkout / "images", [recipe])[0].image.reference


@pytest.mark.parametrize("name", ["demo/Dockerfile", "demo/main.py", "demo/new.py"])
def test_an_input_changes_the_tag(checkout: Path, name: str) -> None:
    before = reference(checkout)
    (checkout / name).write_text("changed\n")
    assert reference(checkout) != before


@pytest.mark.parametrize("name", ["other.py", "demo/__pycache__/main.cpython-311.pyc"])
def test_what_the_image_does_not_hold_does_not_change_the_tag(checkout: Path, name: str) -> None:
    before = reference(checkout)
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("changed\n")
    assert reference(checkout) == before


def test_an_image_is_missing_until_its_archive_is_there(checkout: Path) -> None:
    planned = build.plan(checkout, checkout, [RECIPE])
    assert build.missing(planned) == planned
    planned[0].image.archive.touch()
    assert build.missing(planned) == []


def test_too_little_room_is_explained(tmp_path: Path) -> None:
    build.check_room(build.NEEDED_BYTES, tmp_path)
    with pytest.raises(ImageError, match=r"needs 3 GiB free in .*, there are 0\.5; .*PIXEL_CACHE"):
        build.check_room(512 * 1024**2, tmp_path)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_dockerfile_copies_only_what_its_recipe_provides(recipe: Recipe) -> None:
    text = (CHECKOUT / recipe.dockerfile).read_text()
    copied = {match[1] for match in re.finditer(r"^COPY (?!--from)(\S+) ", text, re.MULTILINE)}
    provided = set(recipe.packages)
    if recipe.group is not None:
        provided.add(f"build/requirements/{recipe.group}.txt")
    provided.update(f"{name}/dist" for name in recipe.pages)
    assert copied == provided


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_dockerfile_follows_the_conventions(recipe: Recipe) -> None:
    text = (CHECKOUT / recipe.dockerfile).read_text()
    assert re.search(r"^ARG BASE=docker\.io/library/\S+bookworm", text, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${BASE}"}
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    if recipe.group is not None:
        assert "--require-hashes" in text
    final = text.rpartition("\nFROM ")[2]
    assert "secret" not in final


@pytest.mark.parametrize("folder", ["player", "operator"])
def test_a_page_is_made_of_sources_and_not_of_what_is_built_from_them(folder: str) -> None:
    names = [file.path for file in page.sources(CHECKOUT, folder)]
    assert {f"{folder}/package-lock.json", f"{folder}/src/main.tsx", f"{folder}/index.html"} <= set(names)
    assert not any("node_modules" in name or "/dist/" in name or name.endswith(".test.ts") for name in names)


def test_a_changed_page_changes_the_image_that_carries_it() -> None:
    sources = page.sources(CHECKOUT, "operator")
    changed = [*sources[:-1], replace(sources[-1], content=b"changed")]
    assert page.key(sources) != page.key(changed)


@pytest.mark.parametrize("name", ["player", "operator"])
def test_a_page_is_locked_without_the_address_of_any_registry(name: str) -> None:
    lock = json.loads((CHECKOUT / name / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert all("integrity" in entry for entry in packages.values())
    assert not any("resolved" in entry for entry in packages.values())
