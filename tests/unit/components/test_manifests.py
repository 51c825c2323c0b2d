"""Rendering: values cannot break out, nothing undefined passes, and every template is complete."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from components import manifests
from components.manifests import documents, environment, token
from components.network import all_services, dns_label
from components.settings import load
from components.workloads.matchmaker import matchmaker_settings
from components.workloads.turn import bandwidth_mbps, drain, limits
from tests.unit.components.settings_cases import GOOD, patched

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=8,
)


def rendered(text: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    return documents(environment.from_string(text), values)


@given(VALUES)
def test_a_value_arrives_as_it_is_and_breaks_nothing(value: Any) -> None:
    assert rendered("a: {{ value }}\nb: kept\n", {"value": value}) == [{"a": value, "b": "kept"}]


def test_an_undefined_name_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="'nothing' is undefined"):
        rendered("a: {{ nothing }}", {})
    with pytest.raises(UndefinedError, match="no attribute 'tag'"):
        rendered("a: {{ version.tag }}", {"version": {}})


def test_empty_documents_are_dropped() -> None:
    assert rendered("---\na: 1\n---\n---\nb: 2\n", {}) == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("api_version", "kind", "expected"),
    [
        ("v1", "ConfigMap", "kubernetes:core/v1:ConfigMap"),
        ("apps/v1", "Deployment", "kubernetes:apps/v1:Deployment"),
        ("rbac.authorization.k8s.io/v1", "Role", "kubernetes:rbac.authorization.k8s.io/v1:Role"),
    ],
)
def test_tokens_are_those_of_the_provider(api_version: str, kind: str, expected: str) -> None:
    assert token(api_version, kind) == expected


@pytest.mark.parametrize("path", sorted(manifests.FOLDER.glob("*.j2")), ids=lambda path: path.name)
def test_images_come_from_settings_and_secrets_from_no_template(path: Path) -> None:
    lines = [line.strip() for line in path.read_text().splitlines()]
    assert all(line.startswith("image: {{ ") for line in lines if line.startswith("image:"))
    assert "kind: Secret" not in lines


def test_the_matchmaker_is_told_of_applications_and_not_of_versions() -> None:
    its = load(GOOD)
    assert matchmaker_settings(its.apps, its.turn, None) == {
        "instances_namespace": "pixel-instances",
        "applications": [{"name": "showroom"}],
        "turn": {"port": 3478, "transport_policy": "relay", "realm": "pixel", "credential_seconds": 86400},
    }


def test_the_matchmaker_is_told_of_turn_over_tls_where_there_is_a_certificate() -> None:
    its = load(GOOD)
    turn = matchmaker_settings(its.apps, its.turn, "turn.play.example.com")["turn"]
    assert (turn["tls_host"], turn["tls_port"]) == ("turn.play.example.com", 5349)


@pytest.mark.parametrize(
    ("nodes", "turn", "seconds"),
    [(1, {}, 0), (2, {}, 3600), (1, {"drain_minutes": 5}, 300), (2, {"drain_minutes": 0}, 0)],
)
def test_a_turn_pod_waits_for_its_players_where_others_take_the_new_ones(
    nodes: int, turn: dict[str, int], seconds: int
) -> None:
    its = load(patched("pixel:pools/turn/min", nodes) | {"pixel:turn": turn})
    assert drain(its) == {"drain_seconds": seconds, "grace_seconds": seconds + 30}


def test_what_a_turn_node_can_send_is_known_of_flex_shapes_and_told_of_others() -> None:
    assert bandwidth_mbps(load(GOOD)) == 2000
    config = patched("pixel:pools/turn/shape", "BM.Standard3.64")
    del config["pixel:pools"]["turn"]["ocpus"], config["pixel:pools"]["turn"]["memory_gb"]
    assert bandwidth_mbps(load(config)) == 0
    assert bandwidth_mbps(load(config | {"pixel:monitoring": {"turn_node_gbits": 50}})) == 50_000


def test_coturn_may_use_its_node() -> None:
    assert limits(load(GOOD).pools.turn) == {"cpu": "4", "memory": "4Gi"}


def test_the_entry_for_all_services_is_found_or_asked_for() -> None:
    some = {"id": "1", "name": "OCI FRA Object Storage", "cidrBlock": "oci-fra-objectstorage"}
    everything = {"id": "2", "name": "All FRA Services In Oracle Services Network", "cidrBlock": "all-fra"}
    assert all_services([some, everything]) == everything
    with pytest.raises(Exception, match="it offers: OCI FRA Object Storage"):
        all_services([some])


@pytest.mark.parametrize(
    ("name", "label"),
    [("pixel-production", "pixelproduction"), ("load_balancers", "loadbalancers"), ("a" * 30, "a" * 15)],
)
def test_names_become_dns_labels_of_oci(name: str, label: str) -> None:
    assert dns_label(name) == label
