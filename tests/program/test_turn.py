"""The TURN pool in every stack: what each container of its pod is told, may and may not, and how it ends."""

import base64
import json
from typing import Any

import pytest

from components.settings import Settings
from signalling.turn.following import INTERVAL_SECONDS
from signalling.turn.user_database import REREAD_SECONDS
from tests.program.recording import Record, run, stack_file
from tests.program.test_secrets import test_no_secret_is_anywhere_but_in_secrets as no_secret_but_in_secrets


def pod_of(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = record.object("DaemonSet", "turn")["spec"]["template"]["spec"]
    return found


def containers(record: Record) -> dict[str, dict[str, Any]]:
    pod = pod_of(record)
    return {each["name"]: each for each in pod["initContainers"] + pod["containers"]}


def environment(container: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


def mounted(container: dict[str, Any]) -> set[str]:
    return {each["name"] for each in container["volumeMounts"]}


def test_it_runs_on_its_nodes_network_in_this_order(record: Record, its: Settings) -> None:
    pod = pod_of(record)
    assert pod["hostNetwork"] is True
    assert pod["nodeSelector"] == {"app.pixel/turn": "true"}
    assert pod["tolerations"] == [{"key": "app.pixel/turn", "operator": "Exists"}]
    assert [each["name"] for each in pod["initContainers"]] == ["configure", "peers", "companion"]
    found = containers(record)
    assert {name: each["command"] for name, each in found.items()} == {
        "configure": ["python3", "-m", "signalling.turn"],
        "peers": ["python3", "-m", "signalling.turn.peers"],
        "companion": ["python3", "-m", "signalling.turn.companion"],
        "coturn": ["turnserver", "-c", "/run/turn/turnserver.conf"],
    }
    assert found["coturn"]["image"] == its.images.turn
    # What each waits for: an address file, then tables written.
    assert found["peers"]["startupProbe"]["exec"]["command"] == ["test", "-e", "/run/peers/addresses"]
    assert found["companion"]["startupProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
    assert [found[name]["restartPolicy"] for name in ("peers", "companion")] == ["Always", "Always"]


def test_what_the_configuration_is_made_from(record: Record, its: Settings) -> None:
    settings = environment(containers(record)["configure"])
    assert settings["NODE_NAME"] == {"fieldRef": {"fieldPath": "spec.nodeName"}}
    assert (settings["TURN_PORT"], settings["TURN_MIN_PORT"], settings["TURN_MAX_PORT"]) == ("3478", "49152", "65535")
    assert settings["TURN_ALLOWED_PEERS"] == ",".join(map(str, its.turn.peers))
    limits = {key: settings[f"TURN_{key}"] for key in ("USER_QUOTA", "TOTAL_QUOTA", "MAX_MBPS", "CAPACITY_MBPS")}
    assert limits == {"USER_QUOTA": "16", "TOTAL_QUOTA": "14000", "MAX_MBPS": "100", "CAPACITY_MBPS": "0"}


def test_the_companion_agrees_with_the_configuration(record: Record, its: Settings) -> None:
    found = containers(record)
    configure, companion = environment(found["configure"]), environment(found["companion"])
    both = configure.keys() & companion.keys()
    assert both >= {"TURN_TOTAL_QUOTA", "TURN_MIN_PORT", "TURN_MAX_PORT", "TURN_CONSOLE_PORT", "TURN_LOG_FOLDER"}
    assert {key: configure[key] for key in both} == {key: companion[key] for key in both}
    assert companion["TURN_PEERS_FILE"] == environment(found["peers"])["TURN_PEERS_FILE"]
    assert companion["TURN_METRICS_HOST"] == {"fieldRef": {"fieldPath": "status.hostIP"}}
    assert companion["TURN_BANDWIDTH_MBPS"] == str(1000 * (its.pools.turn.ocpus or 0))
    assert environment(found["peers"])["TURN_INSTANCES_NAMESPACE"] == "pixel-instances"


def test_nobody_has_both_a_token_and_the_secret_and_coturn_has_neither(record: Record) -> None:
    found = containers(record)
    assert {name for name, each in found.items() if "token" in mounted(each)} == {"configure", "peers"}
    assert {name for name, each in found.items() if "secret" in mounted(each)} == {"companion"}
    assert not {"peers", "token", "secret"} & mounted(found["coturn"])
    # With one user the file systems of all would be open to all.
    assert found["peers"]["securityContext"]["runAsUser"] == 10002
    assert "configuration" not in mounted(found["peers"])
    assert {"name": "peers", "mountPath": "/run/peers", "readOnly": True} in found["companion"]["volumeMounts"]


def test_it_waits_for_its_players_where_others_take_the_new_ones(record: Record, its: Settings) -> None:
    pod, coturn = pod_of(record), containers(record)["coturn"]
    minutes = 60 if its.pools.turn.min > 1 else 0
    assert environment(containers(record)["companion"])["TURN_DRAIN_SECONDS"] == str(60 * minutes)
    assert pod["terminationGracePeriodSeconds"] == 60 * minutes + 30
    daemon = record.object("DaemonSet", "turn")
    assert daemon["spec"]["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}
    hook = {"preStop": {"httpGet": {"host": "127.0.0.1", "port": 9642, "path": "/drain"}}}
    assert coturn.get("lifecycle") == (hook if minutes else None)
    # `up` does not wait for a roll-out that takes as long as sessions last.
    assert daemon["metadata"].get("annotations") == ({"pulumi.com/skipAwait": "true"} if minutes else None)


def test_an_instance_is_ready_only_when_players_can_reach_it_through_every_relay(record: Record) -> None:
    for path, sidecar, _ in record.containers():
        if path.endswith("/sidecar"):
            assert sidecar["readinessProbe"]["initialDelaySeconds"] >= REREAD_SECONDS + INTERVAL_SECONDS + 2


def test_no_port_of_it_but_players_is_open_to_the_internet(record: Record) -> None:
    ports = {port["containerPort"] for each in containers(record).values() for port in each.get("ports", [])}
    assert ports - {5349} == {3478, 9641}
    for each in record.of("oci:Core/securityList:SecurityList"):
        for rule in each.inputs["ingressSecurityRules"]:
            if rule["source"] == "0.0.0.0/0":
                for options in (rule.get("tcpOptions"), rule.get("udpOptions")):
                    assert not options or not any(
                        options["min"] <= port <= options["max"] for port in (9641, 9642, 9643)
                    )


EXTERNAL_SECRET, CREDENTIAL = "shared-with-the-other-service", "password-of-the-vendor"


@pytest.fixture
def elsewhere(stack: str) -> Record:
    config = stack_file(stack)
    url = "turn:turn.example.net:443?transport=tcp"
    config["pixel:turn"] = {
        "peers": ["203.0.113.64/26"],
        "external": [{"urls": [url], "secret": EXTERNAL_SECRET, "networks": ["203.0.113.0/28"]}],
    }
    config["pixel:apps"][0]["ice"] = {
        "servers": [
            {"urls": ["stun:198.51.100.1:3478"]},
            {"urls": ["turn:198.51.100.1:3478"], "username": "acme", "credential": CREDENTIAL},
        ],
        "networks": ["198.51.100.0/28"],
        "transport_policy": "relay",
    }
    return run(stack, config)


def test_turn_elsewhere_is_known_to_the_matchmaker_alone(elsewhere: Record, its: Settings) -> None:
    (secret,) = (each for each in elsewhere.objects("Secret") if each.inputs["metadata"]["name"] == "ice-servers")
    assert secret.secrets == {"data"}
    content = json.loads(base64.b64decode(secret.inputs["data"]["ice-servers.json"]))
    assert content == {
        "external": [{"urls": ["turn:turn.example.net:443?transport=tcp"], "secret": EXTERNAL_SECRET}],
        "applications": {
            its.apps[0].name: {
                "servers": [
                    {"urls": ["stun:198.51.100.1:3478"]},
                    {"urls": ["turn:198.51.100.1:3478"], "username": "acme", "credential": CREDENTIAL},
                ],
                "transport_policy": "relay",
            }
        },
    }
    no_secret_but_in_secrets(elsewhere)
    others = json.dumps([each.inputs for each in elsewhere.resources if each.name != secret.name])
    assert EXTERNAL_SECRET not in others and CREDENTIAL not in others
    users = {name for name, template in elsewhere.pods() if "ice-servers" in str(template)}
    assert users == {"deployment-pixel-matchmaker"}


def test_streamers_ask_relays_elsewhere_for_the_address_that_these_see(elsewhere: Record, its: Settings) -> None:
    for app in its.apps:
        own = app.name == its.apps[0].name
        for version in app.versions:
            fleet = elsewhere.object("Deployment", app.fleet_name(version))["spec"]["template"]["spec"]
            asked = environment(fleet["initContainers"][0])["SIDECAR_STUN_URLS"]
            assert asked == ("stun:198.51.100.1:3478" if own else "stun:turn.example.net:443")


def test_within_the_vcn_a_streamer_asks_nobody(record: Record) -> None:
    assert not [path for path, each, _ in record.containers() if path.endswith("/sidecar") and "env" in each]


def test_without_turn_elsewhere_there_is_no_such_secret(record: Record) -> None:
    assert "ice-servers" not in {each.inputs["metadata"]["name"] for each in record.objects("Secret")}


def test_instances_may_send_media_to_relays_elsewhere(elsewhere: Record) -> None:
    (workers,) = (each for each in elsewhere.of("oci:Core/securityList:SecurityList") if "workers" in each.name)
    udp = {rule["destination"] for rule in workers.inputs["egressSecurityRules"] if rule["protocol"] == "17"}
    assert udp == {"203.0.113.0/28", "198.51.100.0/28"}
    assert environment(containers(elsewhere)["configure"])["TURN_ALLOWED_PEERS"] == "203.0.113.64/26"


def test_otherwise_no_worker_sends_udp_to_the_internet(record: Record) -> None:
    for workers in record.of("oci:Core/securityList:SecurityList"):
        if "workers" in workers.name:
            assert not [rule for rule in workers.inputs["egressSecurityRules"] if rule["protocol"] == "17"]
