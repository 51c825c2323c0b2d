"""What the cluster's functions say when there is no cluster."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from local import cluster
from local.progress import Steps


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIXEL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_no_cluster_runs_in_an_empty_cache(cache: Path) -> None:
    assert cluster.running() is None
    assert not cache.exists()


def test_an_image_needs_a_running_cluster(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(cluster.ClusterError, match=f"of {cache}/cluster is not running; start it first"):
        cluster.import_image(tmp_path / "image.tar")


def test_a_command_needs_a_running_cluster() -> None:
    with pytest.raises(cluster.ClusterError, match="is not running; start it first"):
        cluster.run_in_node(["true"])


def test_an_ordinary_user_makes_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(cluster.NotPossibleHereError, match=r"user: number 1000; run it as root \(sudo\)"):
        cluster.start({}, Steps(Console(file=io.StringIO())))
    assert not cache.exists()


def test_an_ordinary_user_is_told_who_can_remove_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache / "cluster").mkdir(parents=True)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(cluster.ClusterError, match=r"cluster belongs to root; run it as root \(sudo\)"):
        cluster.stop(Steps(Console(file=io.StringIO())))
