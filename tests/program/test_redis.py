"""Redis, which no stack file asks for yet: what each choice would make."""

import base64
from typing import Any

import pytest

from components.redis import valkey_release
from components.settings import Settings
from components.settings.mirrors import MirrorsSettings
from components.settings.redis import RedisMode, RedisSettings
from tests.program.charts import CHARTS, needs_charts, problems, read_chart
from tests.program.recording import Record, run, stack_file

CACHE = "oci:Redis/redisCluster:RedisCluster"
WITHIN = RedisSettings(RedisMode.IN_CLUSTER, memory_gb=4, storage_gb=60)


def with_redis(stack: str, redis: dict[str, Any], **more: Any) -> Record:
    return run(stack, stack_file(stack) | {"pixel:redis": redis} | {f"pixel:{key}": more[key] for key in more})


def releases(record: Record) -> list[str]:
    return [each.inputs["chart"] for each in record.of("kubernetes:helm.sh/v3:Release")]


def test_no_stack_has_one_while_nothing_reads_it(record: Record, its: Settings) -> None:
    assert its.redis.mode is RedisMode.NONE
    assert not record.of(CACHE)
    assert "valkey" not in releases(record)
    assert "redis" not in record.exports()


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


def test_no_pod_gets_an_address_that_nothing_reads(stack: str) -> None:
    record = with_redis(stack, {"mode": "in-cluster"})
    assert "redis" not in str([container for _, container, _ in record.containers()]).lower()
    assert (
        "redis"
        not in str([each.inputs for each in record.objects("ConfigMap") if "dashboard" not in each.name]).lower()
    )


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
