"""The process that follows the instances, before a real API server and with the rights that the program gives it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube import ApiError, AsyncClient, KubeConfig
from lightkube.models.authentication_v1 import TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Pod, Secret, ServiceAccount, ServiceAccountToken
from lightkube.resources.rbac_authorization_v1 import Role, RoleBinding

from signalling.turn.peers import read_addresses
from tests.cluster.api_server import ApiServer, api_server
from tests.cluster.prometheus import process
from tests.cluster.test_claim import make
from tests.program.recording import record_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

INSTANCES, PLATFORM = "pixel-instances", "pixel"
SECONDS = 30.0


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


@pytest.fixture(scope="module")
def rights() -> dict[str, dict[str, Any]]:
    """What the program makes for TURN's service account, by kind."""
    record = record_of("local")
    return {kind: record.object(kind, "turn") for kind in ("ServiceAccount", "Role", "RoleBinding")}


@pytest.fixture
async def administrator(server: ApiServer, rights: dict[str, dict[str, Any]]) -> AsyncIterator[AsyncClient]:
    client = AsyncClient(KubeConfig.from_dict(yaml.safe_load(server.kubeconfig)))
    for name in (INSTANCES, PLATFORM):
        await client.create(Namespace(metadata=ObjectMeta(name=name)))
    account: Any = ServiceAccount.from_dict(rights["ServiceAccount"])
    role: Any = Role.from_dict(rights["Role"])
    binding: Any = RoleBinding.from_dict(rights["RoleBinding"])
    await client.create(account)
    await client.create(role)
    await client.create(binding)
    yield client
    await client.close()


async def as_turn(administrator: AsyncClient, server: ApiServer) -> str:
    """The kubeconfig of TURN's service account."""
    request = ServiceAccountToken(metadata=ObjectMeta(), spec=TokenRequestSpec(audiences=[], expirationSeconds=3600))
    answer = await administrator.create(request, "turn", namespace=PLATFORM)
    assert answer.status is not None
    config = yaml.safe_load(server.token_kubeconfig)
    config["users"][0]["user"] = {"token": answer.status.token}
    text: str = yaml.safe_dump(config)
    return text


def known(file: Path) -> set[str]:
    return set(read_addresses(file)) if file.exists() else set()


async def until(file: Path, addresses: set[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while known(file) != addresses:
        assert time.monotonic() < deadline, known(file)
        await asyncio.sleep(0.05)


async def test_instances_are_followed_with_no_right_but_to_look(server, administrator, tmp_path) -> None:
    kubeconfig = await as_turn(administrator, server)
    client = AsyncClient(KubeConfig.from_dict(yaml.safe_load(kubeconfig)))
    (tmp_path / "kubeconfig").write_text(kubeconfig)
    file = tmp_path / "addresses"
    environ = {
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "TURN_INSTANCES_NAMESPACE": INSTANCES,
        "TURN_PEERS_FILE": str(file),
    }
    await make(administrator, "demo-1", address="10.244.1.7")
    with process([sys.executable, "-m", "signalling.turn.peers"], tmp_path / "log", environ):
        await until(file, {"10.244.1.7"})
        await make(administrator, "demo-2", address="10.244.1.8")
        await until(file, {"10.244.1.7", "10.244.1.8"})
        await administrator.delete(Pod, "demo-1", namespace=INSTANCES, grace_period=0)
        await until(file, {"10.244.1.8"})
    for refused in (
        client.delete(Pod, "demo-2", namespace=INSTANCES),
        client.get(Secret, "turn-secret", namespace=PLATFORM),
    ):
        with pytest.raises(ApiError, match="forbidden"):
            await refused
    await client.close()
