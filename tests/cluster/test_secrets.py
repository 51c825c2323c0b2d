"""Secrets through the real engine: what a rotation changes, what it leaves, and what the state shows of it."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.workloads.tickets import public_key
from local.kubernetes.client import Client
from local.kubernetes.kubeconfig import parse_kubeconfig
from local.paths import CHECKOUT
from tests.cluster.api_server import ApiServer, api_server
from tests.cluster.secrets_program import NAMESPACE

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with api_server(controllers=True) as running:
        yield running


@dataclass
class Stack:
    """A stack that has nothing but secrets."""

    process: subprocess.Popen[str]
    folder: Path
    api: Client
    vault: str = "managed"

    def run(self, command: str, rotation: int = 1) -> dict[str, str]:
        """Run a command of the engine; what it changed, by name."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps({"command": command, "vault": self.vault, "rotation": rotation}), file=self.process.stdin)
        self.process.stdin.flush()
        changes: dict[str, str] = json.loads(self.process.stdout.readline())
        return changes

    def secret(self) -> dict[str, str]:
        """What the cluster holds."""
        found = self.api.get(f"/api/v1/namespaces/{NAMESPACE}/secrets/turn-secret")
        return {key: base64.b64decode(text).decode() for key, text in found["data"].items()}

    def public_halves(self) -> list[str]:
        """What was made of it for those who prove tickets."""
        found = self.api.get(f"/api/v1/namespaces/{NAMESPACE}/configmaps/ticket-keys")
        return str(found["data"]["keys"]).splitlines()

    def written(self) -> str:
        """Everything that the engine and the simulated cloud keep on the disk, but the engine's own program."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and "bin" not in path.parts]
        return "\n".join(path.read_text(errors="replace") for path in files)


@pytest.fixture
def stack(server: ApiServer, tmp_path: Path) -> Iterator[Stack]:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(server.kubeconfig)
    folder = tmp_path / "stack"
    command = [sys.executable, "-m", "tests.cluster.secrets_program", str(folder), str(kubeconfig)]
    api = Client(parse_kubeconfig(server.kubeconfig))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT, text=True) as process:
        made = Stack(process, folder, api)
        yield made
        made.run("destroy")
    api.close()


def test_a_rotation_adds_a_value_keeps_the_one_before_and_drops_the_one_before_that(stack: Stack) -> None:
    assert {"secrets-vault", "secrets-key", "secrets-turn-1"} <= stack.run("up").keys()
    first = stack.secret()["secret"]
    assert set(stack.secret()) == {"secret"} and len(first) == 64
    assert stack.run("up") == {}
    kubernetes = f"secret-{NAMESPACE}-turn-secret"
    halves = f"configmap-{NAMESPACE}-ticket-keys"
    assert stack.public_halves() == [public_key(first)]
    assert stack.run("up", 2) == {"secrets-turn-2": "create", kubernetes: "update", halves: "update"}
    second = stack.secret()["secret"]
    assert stack.secret() == {"secret": second, "previous": first} and first != second
    assert stack.public_halves() == [public_key(second), public_key(first)]
    changes = {"secrets-turn-3": "create", kubernetes: "update", halves: "update", "secrets-turn-1": "delete"}
    assert stack.run("up", 3) == changes
    assert stack.secret()["previous"] == second
    for text in (first, *stack.secret().values()):
        assert text not in stack.written()
        assert base64.b64encode(text.encode()).decode() not in stack.written()


def test_without_a_vault_the_first_value_stays(stack: Stack) -> None:
    stack.vault = "none"
    stack.run("up")
    first = stack.secret()
    assert stack.run("up") == {}
    assert stack.secret() == first
    assert stack.public_halves() == [public_key(first["secret"])]
    assert first["secret"] not in stack.written()


def test_a_vault_that_comes_later_takes_over(stack: Stack) -> None:
    stack.vault = "none"
    stack.run("up")
    drawn = stack.secret()["secret"]
    stack.vault = "managed"
    assert stack.run("up")[f"secret-{NAMESPACE}-turn-secret"] == "update"
    assert stack.secret()["secret"] != drawn
    assert stack.public_halves() == [public_key(stack.secret()["secret"])]
