"""Which stacks a change touches, as a table, and against a real git repository."""

import json
import subprocess
from pathlib import Path

import pytest

from local import touched as module
from local.__main__ import main
from local.images.recipes import RECIPES
from local.touched import changed_since, stack_names, touched

STACKS = ("local", "production-ap-tokyo-1", "production-us-ashburn-1", "staging-eu-frankfurt-1")
ALL = STACKS

TABLE: list[tuple[list[str], tuple[str, ...]]] = [
    ([], ()),
    (["README.md", "docs/operations.md", "LICENSE"], ()),
    (["tests/program/test_network.py", ".github/workflows/ci.yml", "Makefile"], ()),
    (["stacks/Pulumi.staging-eu-frankfurt-1.yaml"], ("staging-eu-frankfurt-1",)),
    (
        ["stacks/Pulumi.staging-eu-frankfurt-1.yaml", "stacks/Pulumi.production-ap-tokyo-1.yaml"],
        ("production-ap-tokyo-1", "staging-eu-frankfurt-1"),
    ),
    (["stacks/Pulumi.gone-eu-milan-1.yaml"], ()),
    (["stacks/README.md", "stacks/Pulumi.local.yaml.orig"], ()),
    (["__main__.py"], ALL),
    (["Pulumi.yaml"], ALL),
    (["components/network.py"], ALL),
    (["components/settings/pools.py"], ALL),
    (["components/addons/deep/er/still.py"], ALL),
    (["manifests/fleet.yaml.j2"], ALL),
    (["manifests/values/traefik.yaml.j2"], ALL),
    (["uv.lock"], ALL),
    (["pyproject.toml"], ALL),
    (["docs/uv.lock"], ()),
    (["signalling/matchmaker/server.py"], ("local",)),
    (["player/src/app.ts", "streamer/scene.py"], ("local",)),
    (
        ["signalling/turn/Dockerfile", "stacks/Pulumi.production-us-ashburn-1.yaml"],
        ("local", "production-us-ashburn-1"),
    ),
    (["local/oci/rules/network.py"], ()),
    (["README.md", "components/oci.py", "stacks/Pulumi.local.yaml"], ALL),
]


@pytest.mark.parametrize(("changed", "expected"), TABLE, ids=["+".join(files)[:60] or "none" for files, _ in TABLE])
def test_a_change_touches(changed: list[str], expected: tuple[str, ...]) -> None:
    assert touched(changed, STACKS) == expected


def test_whatever_an_image_of_the_local_stack_is_made_from_touches_it() -> None:
    for recipe in RECIPES:
        folders = (*recipe.packages, *recipe.pages)
        for file in (recipe.dockerfile, *(f"{folder}/deep/file.any" for folder in folders)):
            assert touched([file], STACKS) == (module.LOCAL,), file


def test_what_every_stack_is_made_from_exists() -> None:
    root = Path(__file__).resolve().parents[3]
    for pattern in (*module.EVERY_STACK, *module.LOCAL_STACK):
        assert (root / pattern.removesuffix("/*")).exists(), pattern
    assert module.LOCAL in stack_names()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose branch changed one stack, deleted one, renamed a template, while its base went on."""

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    for name in STACKS:
        (tmp_path / "stacks").mkdir(exist_ok=True)
        (tmp_path / "stacks" / f"Pulumi.{name}.yaml").write_text(f"config: {name}\n")
    (tmp_path / "notes.md").write_text("one\n")
    git("init", "--initial-branch", "main")
    git("add", ".")
    git("commit", "-m", "one")
    git("checkout", "-b", "work")
    (tmp_path / "stacks" / "Pulumi.staging-eu-frankfurt-1.yaml").write_text("config: other\n")
    (tmp_path / "stacks" / "Pulumi.production-ap-tokyo-1.yaml").unlink()
    (tmp_path / "notes.md").rename(tmp_path / "ñ otes.md")
    git("add", ".")
    git("commit", "-m", "two")
    git("checkout", "main")
    (tmp_path / "stacks" / "Pulumi.local.yaml").write_text("config: elsewhere\n")
    git("commit", "-am", "three")
    git("checkout", "work")
    monkeypatch.setattr(module, "CHECKOUT", tmp_path)
    monkeypatch.setattr(module, "STACK_FILES", tmp_path / "stacks")
    return tmp_path


def test_only_the_branchs_own_changes_count(repository: Path) -> None:
    assert sorted(changed_since("main")) == [
        "notes.md",
        "stacks/Pulumi.production-ap-tokyo-1.yaml",
        "stacks/Pulumi.staging-eu-frankfurt-1.yaml",
        "ñ otes.md",
    ]


def test_the_command_lists_or_gives_json(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["touched", "--base", "main"]) == 0
    assert capsys.readouterr().out == "staging-eu-frankfurt-1\n"
    assert main(["touched", "--base", "main", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == ["staging-eu-frankfurt-1"]
    assert main(["touched", "--base", "nothing-like-it"]) == 1
    assert "nothing-like-it" in capsys.readouterr().err


def test_ci_asks_before_anything_is_installed() -> None:
    """The system's Python, without the site packages."""
    done = subprocess.run(
        ["python3", "-S", "-m", "local", "touched", "--json"],
        input="manifests/turn.yaml.j2\n",
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == stack_names()
