"""The player page's own checks: types and style, its unit tests, and the build of the package that embeds it."""

import json
import shutil

import pytest

from tests.page_build import PLAYER, npm

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.mark.parametrize("script", ["lint", "test"])
def test_a_script_of_the_player_passes(script: str) -> None:
    npm(PLAYER.installed(), "run", script)


def test_the_embedding_package_holds_what_it_promises() -> None:
    folder = PLAYER.built() / "embed"
    package = json.loads((folder / "package.json").read_text())
    for promised in (package["main"], package["types"], *package["exports"]["."].values()):
        assert (folder / promised).is_file(), promised
    assert "export" in (folder / package["main"]).read_text()
    listed = npm(folder, "pack", "--dry-run", "--ignore-scripts", "--json")
    packed = {file["path"] for file in json.loads(listed)[0]["files"]}
    assert packed >= {"package.json", "dist/embed.js", "dist/types/embed/src/embed.d.ts"}
    assert not any(path.endswith((".test.ts", ".map")) for path in packed)
