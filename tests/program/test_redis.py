"""Redis: what each choice makes."""

import base64
from typing import Any

import pytest

from components.redis import valkey_release
from components.settings import Settings
from components.settings.mirrors import MirrorsSettings
from components.settings.redis import RedisMode, RedisSettings
from tests.program.charts import CHARTS, needs_charts, problems, read_chart
from tests.program.recording import Record, run, stack_file
from tests.unit.signalling.redis_server import OURS

CACHE = "oci:Redis/redisCluster:RedisCluster"
WITHIN = RedisSettings(RedisMode.IN_CLUSTER, memory_gb=4, storage_gb=60)


def with_redis(stack: str, redis: dict[str, Any], **more: Any) -> Record:
    file = stack_file(stack) | {"pixel:redis": redis, "pixel:matchmaker": {}}
    return run(stack, file | {f"pixel:{key}": more[key] for key in more})


def releases(record: Record) -> list[str]:
    return [each.inputs["chart"] for each in record.of("kubernetes:helm.sh/v3:Release")]


def test_a_stack_has_the_one_that_it_asks_for(record: Record, its: Settings) -> None:
    assert len(record.of(CACHE)) == (its.redis.mode is RedisMode.MANAGED)
    assert ("valkey" in releases(record)) is (its.redis.mode is RedisMode.IN_CLUSTER)
    assert ("redis" in record.exports()) is (its.redis.mode is not RedisMode.NONE)


def test_a_stack_that_does_not_ask_has_none() -> None:
    record = with_redis("local", {})
    assert not record.of(CACHE) and "valkey" not in releases(record) and "redis" not in record.exports()


def test_clients_may_do_what_the_store_s_tests_may() -> None:
    users = valkey_release(WITHIN, MirrorsSettings(), monitored=False).values["auth"]["aclUsers"]
    assert users == {"default": {"permissions": OURS}}


def test_oci_cache_is_beside_the_workers_and_speaks_tls(stack: str, its: Settings) -> None:
    record = with_redis(stack, {"mode": "managed", "nodes": 3, "memory_gb": 8})
    (cache,) = record.of(CACHE)
    assert cache.inputs["subnetId"] == "network-workers-subnet-id"
    assert (cache.inputs["nodeCount"], cache.inputs["nodeMemoryInGbs"]) == (3, 8)
    assert cache.protect is its.cluster.protect
    assert record.exports()["redis"] == "rediss://redis.example.com:6379"
    assert "valkey" not in releases(record)


@pytest.mark.parametrize("vault", ["none", "managed"])
def test_valkey_takes_its_user_from_the_secret(stack: str, vault: str) -> None:
    record = with_redis(stack, {"mode": "in-cluster"}, secrets={"vault": vault})
    (release,) = (each for each in record.of("kubernetes:helm.sh/v3:Release") if each.inputs["chart"] == "valkey")
    (secret,) = (each for each in record.objects("Secret") if each.inputs["metadata"]["name"] == "redis-users")
    assert secret.urn in release.dependencies
    assert release.inputs["namespace"] == secret.inputs["metadata"]["namespace"] == "pixel"
    assert release.inputs["values"]["auth"]["usersExistingSecret"] == "redis-users"
    assert set(secret.inputs["data"]) == set(release.inputs["values"]["auth"]["aclUsers"]) == {"default"}
    password = base64.b64decode(secret.inputs["data"]["default"]).decode()
    assert len(password) == 64
    assert password not in str(release.inputs) and password not in str(record.outputs)
    assert record.exports()["redis"] == "redis://valkey.pixel:6379"
    assert not record.of(CACHE)


def test_data_outlives_a_restart_and_a_full_memory_loses_none() -> None:
    values = valkey_release(WITHIN, MirrorsSettings(), monitored=True).values
    assert values["dataStorage"] == {"enabled": True, "requestedSize": "60Gi", "className": "oci-bv", "keepPvc": True}
    assert values["deploymentStrategy"] == "Recreate"
    lines = dict(line.split(" ", 1) for line in values["valkeyConfig"].strip().splitlines())
    assert lines["appendonly"] == "yes"
    assert lines["maxmemory-policy"] == "noeviction"
    assert int(lines["maxmemory"]) < 4 * 2**30
    assert values["resources"]["limits"]["memory"] == "4Gi"


@needs_charts
@pytest.mark.parametrize("monitored", [True, False])
@pytest.mark.parametrize("mirrors", [MirrorsSettings(), MirrorsSettings(images="registry.example.com/mirror")])
def test_the_values_are_the_charts(monitored: bool, mirrors: MirrorsSettings) -> None:
    release = valkey_release(WITHIN, mirrors, monitored=monitored)
    chart = read_chart(CHARTS / "valkey")
    assert problems(chart, release.values) == []
    assert chart.version == release.version
