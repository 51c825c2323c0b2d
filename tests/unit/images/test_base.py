import os
import re
import subprocess
from pathlib import Path

import pytest

from local.images import base, recipes
from local.images.mirror import Source

SOURCES = [Source("http://mirror.example/debian", "bookworm"), Source("http://mirror.example/s", "bookworm-security")]


@pytest.fixture(params=[None, Path("/etc/ssl/ca bundle.crt")], ids=["public", "own certificates"])
def script(request: pytest.FixtureRequest) -> str:
    return base.script(SOURCES, Path("/cache/a b/root"), Path("/cache/a b/base.tar"), request.param)


def test_the_script_is_valid_shell(script: str) -> None:
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)


def test_nothing_of_the_machine_is_mounted_into_the_base(script: str) -> None:
    # A package that is set up below the base writes to /etc/ssl/certs and the like: it must be the base's own.
    mounts = re.findall(r"^mount .*$", script, re.MULTILINE)
    assert mounts == ["mount -t proc proc '/cache/a b/root'/proc"]


def test_the_mirror_and_every_package_reach_debootstrap(script: str) -> None:
    line = next(line for line in script.splitlines() if line.startswith("debootstrap"))
    assert line.endswith("bookworm '/cache/a b/root' http://mirror.example/debian")
    for package in recipes.BASE_PACKAGES:
        assert package in line


def test_without_a_mirror_debootstrap_chooses_and_its_sources_stay() -> None:
    script = base.script([], Path("/r"), Path("/b.tar"), None)
    assert re.search(r"^debootstrap .* bookworm /r$", script, re.MULTILINE)
    assert "sources.list" not in script


def test_lent_certificates_are_removed_again() -> None:
    script = base.script(SOURCES, Path("/r"), Path("/b.tar"), Path("/ca.crt"))
    assert script.index("cp /ca.crt /r/run/certificates.pem") < script.index("dist-upgrade")
    assert script.index("dist-upgrade") < script.index("rm /r/run/certificates.pem") < script.index("tar ")


def test_removal_stays_below_the_base(script: str) -> None:
    removing = [line for line in script.splitlines() if "rm -rf" in line]
    assert len(removing) == 1
    assert removing[0].startswith("cd '/cache/a b/root' && rm -rf ")
    assert not any(word.startswith("/") for word in removing[0].split("rm -rf")[1].split(" && ")[0].split())


def test_a_mirror_can_be_named() -> None:
    environment = dict(os.environ) | {"PIXEL_DEBIAN_MIRROR": "http://here.example/debian/"}
    assert base.mirror_sources(environment) == [Source("http://here.example/debian", "bookworm")]


def test_the_base_is_named_by_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    key = recipes.base_key()
    assert re.fullmatch(r"[0-9a-f]{12}", key)
    monkeypatch.setattr(recipes, "BASE_PACKAGES", tuple(reversed(recipes.BASE_PACKAGES)))
    assert recipes.base_key() == key
    monkeypatch.setattr(recipes, "BASE_PACKAGES", (*recipes.BASE_PACKAGES, "curl"))
    assert recipes.base_key() != key
