"""Matchmakers: as many as the stack file says, apart from each other, and what they share."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from components.settings import Settings
from components.settings.redis import RedisMode
from signalling.matchmaker.settings import read_stack
from tests.program.recording import Record, run, stack_file


def made(stack: str, replicas: int | None, redis: dict[str, Any]) -> Record:
    matchmaker = {} if replicas is None else {"replicas": replicas}
    return run(stack, stack_file(stack) | {"pixel:redis": redis, "pixel:matchmaker": matchmaker})


def sources(record: Record) -> dict[str, str]:
    """What is mounted below /etc/pixel: each file's path, and the kind and name of the object that it comes from."""
    (volume,) = (
        each
        for each in record.object("Deployment", "matchmaker")["spec"]["template"]["spec"]["volumes"]
        if each["name"] == "settings"
    )
    return {
        item["path"]: f"{kind} {source[kind]['name']}"
        for source in volume["projected"]["sources"]
        for kind in source
        for item in source[kind]["items"]
    }


def test_the_stack_says_how_many(record: Record, its: Settings) -> None:
    assert record.object("Deployment", "matchmaker")["spec"]["replicas"] == its.matchmaker.replicas
    assert its.matchmaker.replicas == 1 or its.redis.mode is not RedisMode.NONE


@pytest.mark.parametrize(("redis", "replicas"), [({}, 1), ({"mode": "in-cluster"}, 2), ({"mode": "managed"}, 2)])
def test_there_are_two_where_they_can_share(redis: dict[str, Any], replicas: int) -> None:
    record = made("production-eu-frankfurt-1", None, redis)
    assert record.object("Deployment", "matchmaker")["spec"]["replicas"] == replicas


def test_one_matchmaker_can_be_drained() -> None:
    record = made("local", 1, {})
    assert not record.objects("PodDisruptionBudget")


def test_of_several_matchmakers_one_at_a_time_can_go() -> None:
    found = made("local", 3, {"mode": "in-cluster"})
    deployment = found.object("Deployment", "matchmaker")["spec"]
    budget = found.object("PodDisruptionBudget", "matchmaker")["spec"]
    assert deployment["replicas"] == 3
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == deployment["selector"]


def test_matchmakers_are_spread_over_domains_and_nodes(record: Record) -> None:
    deployment = record.object("Deployment", "matchmaker")["spec"]
    spread = deployment["template"]["spec"]["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    for each in spread:
        assert each["labelSelector"] == deployment["selector"]
        # A stack may have one domain only, and a roll-out has one matchmaker more than nodes for a while.
        assert each["whenUnsatisfiable"] == "ScheduleAnyway"


def test_one_that_goes_has_time_to_send_its_players_to_the_others(record: Record) -> None:
    pod = record.object("Deployment", "matchmaker")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["lifecycle"]["preStop"]["sleep"]["seconds"] + 10 + 15 < pod["terminationGracePeriodSeconds"]


def test_valkey_s_address_and_password_reach_the_matchmaker_as_files() -> None:
    record = made("production-eu-frankfurt-1", 2, {"mode": "in-cluster"})
    mounted = sources(record)
    assert mounted["redis/url"] == "configMap matchmaker-redis"
    assert mounted["redis/password"] == "secret redis-users"
    assert record.object("ConfigMap", "matchmaker-redis")["data"] == {"url": "redis://valkey.pixel:6379"}
    password = base64.b64decode(record.object("Secret", "redis-users")["data"]["default"]).decode()
    assert password not in str([container for _, container, _ in record.containers()])
    (deployment,) = (each for each in record.objects("Deployment") if each.name.endswith("matchmaker"))
    (release,) = (each for each in record.of("kubernetes:helm.sh/v3:Release") if each.inputs["chart"] == "valkey")
    assert release.urn in deployment.dependencies


def test_oci_cache_s_address_reaches_the_matchmaker_with_tls_and_without_a_password() -> None:
    record = made("production-eu-frankfurt-1", 2, {"mode": "managed"})
    mounted = sources(record)
    assert mounted["redis/url"] == "configMap matchmaker-redis"
    assert "redis/password" not in mounted
    assert record.object("ConfigMap", "matchmaker-redis")["data"] == {"url": "rediss://redis.example.com:6379"}


def test_the_seed_of_the_tickets_key_reaches_the_matchmaker_and_nobody_else(record: Record) -> None:
    mounted = sources(record)
    assert (mounted["ticket/seed"], mounted["ticket/previous"]) == ("secret ticket-key", "secret ticket-key")
    holders = [name for name, template in record.pods() if "ticket-key'" in str(template)]
    assert [name.rpartition("-")[2] for name in holders] == ["matchmaker"]


def test_the_settings_say_what_sessions_may_take(record: Record, its: Settings) -> None:
    settings = json.loads(record.object("ConfigMap", "matchmaker")["data"]["matchmaker.json"])
    for said, app in zip(settings["applications"], its.apps, strict=True):
        assert (said["name"], said["sessions"]) == (app.name, app.session.sharing)
        assert said["session"] == {key: getattr(app.session, key) for key in said["session"]}
        assert said["session"].keys() >= {"max_minutes", "idle_minutes", "grace_seconds", "players", "reuse"}


def test_the_matchmaker_reads_the_settings_that_the_program_writes(record: Record, tmp_path: Path) -> None:
    file = tmp_path / "matchmaker.json"
    file.write_text(record.object("ConfigMap", "matchmaker")["data"]["matchmaker.json"])
    assert read_stack(file).applications


def test_without_redis_there_is_nothing_of_it() -> None:
    record = made("local", 1, {})
    assert not [path for path in sources(record) if path.startswith("redis/")]
    assert "matchmaker-redis" not in str([each.name for each in record.objects("ConfigMap")])
