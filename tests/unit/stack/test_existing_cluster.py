"""How images get into a cluster that somebody else runs."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from components.settings import load
from local.demo import DemoError, ExistingCluster, check_port, local_stack_file


def kubeconfig(folder: Path, context: str) -> Path:
    path = folder / "config"
    path.write_text(f"apiVersion: v1\nkind: Config\ncurrent-context: {context}\n")
    return path


@pytest.mark.parametrize(
    ("context", "command"),
    [
        ("kind-demo", ["kind", "load", "image-archive", "--name", "demo", "/x/a.tar"]),
        ("minikube", ["minikube", "image", "load", "/x/a.tar"]),
    ],
)
def test_known_clusters_have_their_own_command(tmp_path: Path, context: str, command: list[str]) -> None:
    assert ExistingCluster(kubeconfig(tmp_path, context)).load_command(Path("/x/a.tar")) == command


def test_a_command_that_was_given_is_used(tmp_path: Path) -> None:
    existing = ExistingCluster(kubeconfig(tmp_path, "kind-demo"), "ctr images import {archive}")
    assert existing.load_command(Path("/x/a.tar")) == ["ctr", "images", "import", "/x/a.tar"]


def test_an_unknown_cluster_needs_a_command(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "office")
    with pytest.raises(DemoError, match=r"context 'office'.*--load") as error:
        ExistingCluster(path).load_command(Path("/x/a.tar"))
    assert str(path) in str(error.value)


def test_a_foreign_cluster_gets_no_policies_of_addresses_that_it_has_not(tmp_path: Path) -> None:
    """kind obeys them."""
    here = load(local_stack_file({})["config"])
    there = load(local_stack_file({}, ExistingCluster(kubeconfig(tmp_path, "kind-demo")))["config"])
    assert here.network_policies.policies
    assert not there.network_policies.policies
    assert replace(there, network_policies=here.network_policies) == here


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"--port {port}: .*name another port"):
            check_port(port)
