"""Labels and taints of pools on the nodes there are."""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from local.oci import kinds as k
from local.oci.model import Resource
from local.oci.placement import CONTROL_PLANE, SOFT, Change, Marks, Node, Pool, Taint, plan, pool_of, spread

TURN = Pool("turn", {"app.pixel/turn": "true"}, (Taint("app.pixel/turn", "true", "NoSchedule"),))
GPU = Pool("gpu", {"app.pixel/gpu": "true"}, (Taint("nvidia.com/gpu", "present", "NoSchedule"),))
DEFAULT = Pool("default", {"app.pixel/pool": "default"})


def nodes(*names: str) -> tuple[Node, ...]:
    return tuple(Node(name) for name in names)


def applied(node: Node, change: Change | None) -> Node:
    """The node after a change, as it would come back from the API."""
    if change is None:
        return node
    labels = {**node.labels, **change.labels}
    kept = {key: value for key, value in labels.items() if value is not None}
    taints = node.taints if change.taints is None else change.taints
    return Node(node.name, kept, taints, Marks.of_text(change.marks.to_text()))


def run(pools: tuple[Pool, ...], before: Iterable[Node]) -> list[Node]:
    before = list(before)
    changes = {change.node: change for change in plan(pools, before)}
    return [applied(node, changes.get(node.name)) for node in before]


def resource(**inputs: object) -> Resource:
    return Resource("id", k.NODE_POOL, "urn", {"name": "pool", **inputs})


def test_a_pool_says_what_it_wants():
    arguments = "--node-labels=a=1,b= --register-with-taints=app.pixel/turn=true:NoSchedule,x:NoExecute -v=4"
    found = pool_of(
        resource(initialNodeLabels=[{"key": "c", "value": "3"}], nodeMetadata={"kubelet-extra-args": arguments})
    )
    assert found.labels == {"a": "1", "b": "", "c": "3"}
    assert found.taints == (Taint("app.pixel/turn", "true", "NoSchedule"), Taint("x", "", "NoExecute"))
    assert pool_of(resource()) == Pool("pool")


def test_pools_go_round_the_nodes_by_name():
    shares = spread([TURN, GPU, DEFAULT], nodes("b", "a"))
    assert {name: [pool.name for pool in share] for name, share in shares.items()} == {
        "a": ["default", "turn"],
        "b": ["gpu"],
    }
    assert [pool.name for pool in spread([TURN, GPU, DEFAULT], nodes("only"))["only"]] == ["default", "gpu", "turn"]
    assert {name: [p.name for p in s] for name, s in spread([GPU], nodes("a", "b")).items()} == {
        "a": ["gpu"],
        "b": ["gpu"],
    }


def test_a_control_plane_stays_free_where_there_are_workers():
    control = Node("a", {CONTROL_PLANE: ""})
    assert spread([GPU], [control, Node("b")]) == {"a": (), "b": (GPU,)}
    assert spread([GPU], [control]) == {"a": (GPU,)}


def test_taints_are_hard_on_a_node_of_one_pool_and_soft_on_a_shared_one():
    (alone,) = run((TURN,), nodes("a"))
    assert alone.taints == TURN.taints
    (shared,) = run((TURN, DEFAULT), nodes("a"))
    assert {taint.effect for taint in shared.taints} == {SOFT}
    assert shared.labels == {**TURN.labels, **DEFAULT.labels}


def test_what_stood_there_before_comes_back():
    before = Node("a", {"app.pixel/turn": "mine", "zone": "1"}, (Taint("maintenance", "", "NoSchedule"),))
    (during,) = run((TURN,), (before,))
    assert during.labels == {"app.pixel/turn": "true", "zone": "1"}
    assert during.taints == (*before.taints, *TURN.taints)
    (after,) = run((), (during,))
    assert after == before


def test_what_somebody_changed_meanwhile_stays_theirs():
    (during,) = run((TURN,), nodes("a"))
    changed = replace(during, labels={"app.pixel/turn": "false"})
    (after,) = run((), (changed,))
    assert after == Node("a", {"app.pixel/turn": "false"}, ())


def test_nothing_is_done_twice():
    after = run((TURN, GPU), nodes("a"))
    assert plan((TURN, GPU), after) == []


def test_a_pool_that_changes_takes_back_what_it_no_longer_wants():
    after = run((TURN,), nodes("a"))
    (changed,) = run((replace(TURN, labels={"other": "1"}, taints=()),), tuple(after))
    assert (changed.labels, changed.taints) == ({"other": "1"}, ())


def test_what_cannot_be_read_counts_as_nothing():
    assert (
        Marks.of_text("") == Marks.of_text("{") == Marks.of_text("[1]") == Marks.of_text('{"taints": [1]}') == Marks()
    )
    assert Marks().to_text() == ""


LABELS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12"), max_size=3)
TAINTS = st.lists(
    st.builds(Taint, st.sampled_from("xyz"), st.sampled_from(["", "1"]), st.sampled_from(["NoSchedule", "NoExecute"])),
    max_size=2,
    unique=True,
).map(tuple)
POOLS = st.lists(st.builds(Pool, st.sampled_from("pqrs"), LABELS, TAINTS), max_size=4, unique_by=lambda pool: pool.name)
NODES = st.lists(
    st.builds(Node, st.sampled_from("ijk"), LABELS, TAINTS), min_size=1, max_size=3, unique_by=lambda node: node.name
)


@given(NODES, st.lists(POOLS, max_size=4))
def test_any_history_of_pools_leaves_the_nodes_as_they_were(before: list[Node], history: list[list[Pool]]):
    current: list[Node] = before
    for pools in [*history, []]:
        current = run(tuple(pools), current)
        assert plan(pools, current) == []
    assert [(node.name, node.labels, sorted(node.taints)) for node in current] == [
        (node.name, node.labels, sorted(node.taints)) for node in before
    ]
