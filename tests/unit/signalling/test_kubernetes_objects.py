"""What pods and nodes say, and the claiming patch."""

import pytest

from signalling.kubernetes.api import ClaimRefused
from signalling.kubernetes.fleets import Fleet, buffer_patch, drained_patch, fleet_of, pause_patch
from signalling.kubernetes.instances import (
    COST_ANNOTATION,
    Claim,
    Instance,
    Pool,
    claim_patch,
    cost_patch,
    drain_patch,
    instance_of,
    recycle_patch,
    retire_patch,
)
from signalling.kubernetes.nodes import addresses_of, turn_address
from tests.unit.signalling.memory_cluster import (
    Object,
    as_deployment,
    as_node,
    as_pod,
    fleet,
    merge,
    node,
    patched,
    pod,
)

MIG = "nvidia.com/mig-1g.24gb"
CLAIM = Claim("s1", "p1", "2026-01-01T00:00:00.000Z", "somebody@example.com")


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


SCHEDULED = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:10Z"}
READY = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:52Z"}


@pytest.mark.parametrize(
    ("conditions", "seconds"),
    [
        ([READY, SCHEDULED], 42.0),
        ([READY | {"status": "False"}, SCHEDULED], None),
        ([READY], None),
        ([{"type": "Ready", "status": "True"}, SCHEDULED], None),
    ],
)
def test_an_instance_starts_from_its_node_to_its_readiness(conditions, seconds):
    thing = pod("a")
    thing["status"]["conditions"] = conditions
    assert read(thing).start_seconds == seconds


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
    claimed = patched(thing, claim_patch(read(thing), CLAIM))
    assert claimed["metadata"]["labels"]["app.pixel/pool"] == "session"
    assert claimed["metadata"]["labels"]["app.pixel/session"] == "s1"
    assert claimed["metadata"]["annotations"] == {
        **(annotations or {}),
        "app.pixel/session-started": "2026-01-01T00:00:00.000Z",
        "app.pixel/player": "p1",
        "app.pixel/subject": "somebody@example.com",
    }
    found = read(claimed)
    assert (found.session, found.player, found.started, found.subject) == (
        *("s1", "p1", "2026-01-01T00:00:00.000Z", "somebody@example.com"),
    )


def test_nobody_in_particular_is_not_written_down():
    thing = pod("a")
    claimed = patched(thing, claim_patch(read(thing), Claim("s1", "p1", "t")))
    assert "app.pixel/subject" not in claimed["metadata"]["annotations"]


def test_a_second_claim_does_not_apply():
    thing = pod("a")
    operations = claim_patch(read(thing), CLAIM)
    with pytest.raises(ClaimRefused):
        patched(patched(thing, operations), operations)


def claimed_pod(claim: Claim = CLAIM) -> Object:
    thing = pod("a", annotations={"cni": "x"})
    return patched(thing, claim_patch(read(thing), claim))


def test_recycling_leaves_the_pod_as_it_was_before_its_session():
    assert patched(claimed_pod(), recycle_patch(read(claimed_pod()))) == pod("a", annotations={"cni": "x"})


@pytest.mark.parametrize("patch", [recycle_patch, retire_patch])
def test_nothing_ends_a_session_that_has_begun_since(patch):
    before = read(claimed_pod())
    now = claimed_pod(Claim("s2", "p2", "t"))
    with pytest.raises(ClaimRefused):
        patched(now, patch(before))


def test_of_several_that_end_a_session_one_does():
    operations = retire_patch(read(claimed_pod()))
    ended = patched(claimed_pod(), operations)
    assert read(ended).pool is Pool.ENDED
    for again in (operations, recycle_patch(read(claimed_pod()))):
        with pytest.raises(ClaimRefused):
            patched(ended, again)


def test_an_idle_instance_is_retired_unless_somebody_has_claimed_it():
    operations = retire_patch(read(pod("a")))
    assert read(patched(pod("a"), operations)).pool is Pool.ENDED
    with pytest.raises(ClaimRefused):
        patched(claimed_pod(), operations)


def test_a_draining_instance_is_not_available():
    drained = patched(pod("a"), drain_patch(read(pod("a"))))
    assert read(drained).draining and not read(drained).available


@pytest.mark.parametrize(
    ("text", "players"), [("3", 3), ("0", 0), ("-1", 0), ("", 0), ("many", 0), ("\uff15", 0), ("9" * 5000, 0)]
)
def test_a_shared_instance_says_how_many_players_it_has(text, players):
    assert read(pod("a", annotations={COST_ANNOTATION: text})).players == players


def test_the_number_of_players_is_written_on_the_pod():
    assert read(patched(pod("a"), cost_patch(read(pod("a")), 4))).players == 4


@pytest.mark.parametrize(
    ("containers", "held"),
    [
        ([{"name": "app", "resources": {"limits": {"cpu": "2", "nvidia.com/gpu": "1"}}}], "nvidia.com/gpu"),
        (
            [{"name": "exporter"}, {"name": "app", "resources": {"limits": {MIG: "1"}}}],
            "nvidia.com/mig-1g.24gb",
        ),
        ([{"name": "app", "resources": {"limits": {"memory": "1Gi"}}}, {"name": "exporter", "resources": {}}], None),
    ],
)
def test_what_an_instance_holds_of_a_gpu(containers, held):
    thing = {**pod("a"), "spec": {"containers": containers, "nodeName": "gpu-1"}}
    assert read(thing).gpu == held
    assert read(thing).node == "gpu-1"


def fleet_that_says(**annotations: str) -> Fleet:
    thing = fleet("demo-v1", weight="80")
    thing["metadata"]["annotations"] |= {f"app.pixel/{name.replace('_', '-')}": it for name, it in annotations.items()}
    found = fleet_of(as_deployment(thing))
    assert found is not None
    return found


def test_a_rollback_goes_before_the_weight_of_the_stack():
    assert fleet_that_says().weight == 80
    why = '{"weight":"80","revision":"3","at":"2027-01-15T08:30:00+00:00","why":"4 of 20 sessions failed"}'
    found = fleet_that_says(weight_override="0", rolled_back=why)
    assert (found.weight, found.rolled_back, found.stated_well) == (0, "4 of 20 sessions failed", True)
    assert fleet_that_says(weight_override="none").weight == 80
    assert fleet_that_says(rolled_back="not JSON").rolled_back == ""


def test_a_fleet_tells_the_controllers_target_and_an_operators_buffer():
    found = fleet_that_says(buffer_target="2")
    assert (found.buffer_target, found.buffer_override) == (2, None)
    assert fleet_that_says(buffer_target="many").buffer_target is None
    thing = fleet("demo-v1")
    merge(thing, buffer_patch(7))
    asked = fleet_of(as_deployment(thing))
    assert asked is not None and asked.buffer_override == 7
    merge(thing, buffer_patch(None))
    assert thing == fleet("demo-v1")


def test_an_operator_pauses_an_application_and_drains_a_version_by_annotations():
    thing = fleet("demo-v1")
    merge(thing, pause_patch(paused=True))
    merge(thing, drained_patch(drained=True))
    found = fleet_of(as_deployment(thing))
    assert found is not None and found.paused and found.drained
    merge(thing, pause_patch(paused=False))
    merge(thing, drained_patch(drained=False))
    assert thing == fleet("demo-v1")


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
