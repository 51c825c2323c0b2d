"""Fetching the charts, by a script in Helm's place: what is asked for, what is kept, what a failure leaves."""

import os
from pathlib import Path

import pytest

from components.versions import CHARTS
from local.charts import archive, fetch, missing, used
from local.progress import Steps
from local.tools.errors import ToolError
from tests.unit.tools.conftest import script


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache and a PATH of the test's own."""
    monkeypatch.setenv("PIXEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path


def helm(folder: Path, body: str) -> None:
    script(folder / "bin" / "helm", f'echo "$@" >> {folder / "asked"}\n{body}')


def test_each_chart_that_has_values_is_asked_for_once_by_its_pin(folder: Path) -> None:
    helm(folder, 'for folder in "$@"; do :; done; touch "$folder/$2-some.tgz"')
    fetch(Steps())
    assert missing() == []
    asked = (folder / "asked").read_text().splitlines()
    assert len(asked) == len(used())
    for name, version in used().items():
        assert archive(name, version).is_file()
        start = f"pull {name} --repo {CHARTS[name].repository} --version {version} --destination "
        assert any(line.startswith(start) for line in asked)
    fetch(Steps())
    assert (folder / "asked").read_text().splitlines() == asked


def test_a_repository_that_cannot_be_reached_is_named_and_leaves_nothing(folder: Path) -> None:
    helm(folder, 'touch "$8/half.tgz"; echo "no such host" >&2; exit 1')
    name = next(iter(used()))
    with pytest.raises(ToolError, match=rf"{name} cannot be fetched from {CHARTS[name].repository}.*no such host"):
        fetch(Steps())
    assert missing() == list(used())
    assert not list((folder / "cache" / "charts").iterdir())


def test_without_helm_the_remedy_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder / "bin"))
    with pytest.raises(ToolError, match=r"no helm on PATH .*helm\.sh"):
        fetch(Steps())
