"""What pods and nodes say, and the claiming patch."""

import pytest

from signalling.kubernetes.api import ClaimRefused
from signalling.kubernetes.instances import Instance, Pool, claim_patch, instance_of
from signalling.kubernetes.nodes import addresses_of, turn_address
from tests.unit.signalling.memory_cluster import Object, as_node, as_pod, node, patched, pod


def read(thing: Object) -> Instance:
    found = instance_of(as_pod(thing))
    assert found is not None
    return found


def test_a_ready_pod_of_a_fleet_is_available():
    found = read(pod("demo-1", version="v2", address="10.0.0.5"))
    assert (found.name, found.application, found.version, found.pool) == ("demo-1", "demo", "v2", Pool.IDLE)
    assert (found.address, found.available, found.annotated) == ("10.0.0.5", True, False)


def test_what_makes_a_pod_unavailable():
    going = pod("a")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    bare = pod("a")
    del bare["status"]
    for thing in (pod("a", ready=False), pod("a", address=None), pod("a", pool="session"), going, bare):
        assert not read(thing).available


@pytest.mark.parametrize("label", ["app.pixel/app", "app.pixel/version", "app.pixel/pool"])
def test_a_pod_without_a_label_is_no_instance(label):
    thing = pod("a")
    del thing["metadata"]["labels"][label]
    assert instance_of(as_pod(thing)) is None
    assert instance_of(as_pod(pod("a", pool="resting"))) is None
    assert instance_of(as_pod({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}})) is None


@pytest.mark.parametrize("annotations", [None, {"cni": "x"}])
def test_a_claim_moves_the_instance_and_says_whose_it_is(annotations):
    thing = pod("a", annotations=annotations)
    operations = claim_patch(read(thing), "s1", player="p1", started="2026-01-01T00:00:00.000Z")
    claimed = patched(thing, operations)["metadata"]
    assert claimed["labels"]["app.pixel/pool"] == "session"
    assert claimed["labels"]["app.pixel/session"] == "s1"
    assert claimed["annotations"] == {
        **(annotations or {}),
        "app.pixel/session-started": "2026-01-01T00:00:00.000Z",
        "app.pixel/player": "p1",
    }


def test_a_second_claim_does_not_apply():
    thing = pod("a")
    operations = claim_patch(read(thing), "s1", player="p", started="t")
    with pytest.raises(ClaimRefused):
        patched(patched(thing, operations), operations)


@pytest.mark.parametrize(
    ("thing", "address"),
    [
        (node("n", {"InternalIP": "10.0.30.4", "ExternalIP": "198.51.100.7"}), "198.51.100.7"),
        (node("n", {"InternalIP": "10.0.30.4", "Hostname": "n"}), "10.0.30.4"),
        (node("n", {"InternalIP": "10.0.30.4"}, cordoned=True), None),
        (node("n", {"InternalIP": "10.0.30.4"}, labels={}), None),
        (node("n", {"InternalIP": "10.0.30.4"}, labels={"app.pixel/turn": "false"}), None),
        (node("n"), None),
    ],
)
def test_where_players_reach_turn(thing, address):
    assert turn_address(as_node(thing)) == address


def test_the_first_address_of_a_kind_counts():
    thing = node("n")
    thing["status"]["addresses"] = [
        {"type": "InternalIP", "address": "10.0.0.1"},
        {"type": "InternalIP", "address": "fd00::1"},
    ]
    found = addresses_of(as_node(thing))
    assert (found.internal, found.external) == ("10.0.0.1", None)
