from pathlib import Path

import pytest

from local.images import requirements
from local.images.errors import ImageError

SCRIPT = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
{body}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "pyproject.toml").write_text("[project]\n")
    (root / "uv.lock").write_text("version = 1\n")
    return root


def fake_uv(tmp_path: Path, body: str) -> dict[str, str]:
    path = tmp_path / "uv"
    path.write_text(SCRIPT.format(body=body))
    path.chmod(0o755)
    return {"UV": str(path), "PATH": "/usr/bin:/bin"}


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_the_export_is_locked_hashed_and_of_one_group() -> None:
    command = requirements.command("uv", "streamer")
    assert command[:4] == ["uv", "export", "--only-group", "streamer"]
    assert {"--locked", "--no-emit-project"} <= set(command)
    assert "--no-hashes" not in command


def test_an_export_is_made_once_for_a_lock(checkout: Path, tmp_path: Path) -> None:
    environment = fake_uv(tmp_path, "echo aiohttp==1")
    cache = tmp_path / "cache"
    for _ in range(2):
        assert requirements.export(checkout, "signalling", cache, environment) == b"aiohttp==1\n"
    assert len(calls(tmp_path)) == 1

    (checkout / "uv.lock").write_text("version = 2\n")
    requirements.export(checkout, "signalling", cache, environment)
    requirements.export(checkout, "streamer", cache, environment)
    assert len(calls(tmp_path)) == 3
    assert not list(cache.glob("*.part"))


def test_a_stale_lock_is_explained(checkout: Path, tmp_path: Path) -> None:
    environment = fake_uv(tmp_path, "echo 'the lockfile needs to be updated' >&2; exit 2")
    with pytest.raises(ImageError, match=r"'signalling'.*needs to be updated(.|\n)*uv lock"):
        requirements.export(checkout, "signalling", tmp_path / "cache", environment)
    assert not list((tmp_path / "cache").glob("*"))


def test_uv_missing_is_explained(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="uv is not installed; install it"):
        requirements.export(checkout, "signalling", tmp_path / "cache", {"PATH": str(tmp_path)})


def test_an_incomplete_checkout_is_explained(checkout: Path, tmp_path: Path) -> None:
    (checkout / "uv.lock").unlink()
    with pytest.raises(ImageError, match=r"uv\.lock is missing"):
        requirements.export(checkout, "signalling", tmp_path / "cache", {})
