"""How much is kept ready: counts, percents, promises, minima; caps and priorities; what a budget leaves of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.buffer import Buffer, ServiceLevel, slots_of
from capacity.controller import wishes
from capacity.controller.allotment import Allotment, Cap, Wish, allot
from capacity.controller.budget import Restraint
from capacity.controller.buffers import Demand, Want, instances_wanted, spread
from capacity.controller.cluster import Cluster, Stage
from capacity.controller.settings import Application, Sessions, StackSettings
from tests.unit.fleet_controller.situations import cluster, fleet, instances, nodes, stack

LEVEL = ServiceLevel(chance=0.99, arrivals_per_hour=120, start_seconds=60, provision_seconds=600)
OLD, NEW = fleet("demo-1", weight=95), fleet("demo-2", weight=5)


@pytest.mark.parametrize(
    ("buffer", "demand", "old", "new"),
    [
        (Buffer(instances=2), Demand(0, 0), Want(0, 2), Want(0, 2)),
        (Buffer(instances=2), Demand(7, 3), Want(3, 2), Want(0, 2)),
        # A tenth of 100 sessions, by the versions' shares: 9.5 and 0.5.
        (Buffer(percent=10), Demand(100, 0), Want(0, 10), Want(0, 1)),
        (Buffer(instances=2, percent=10), Demand(10, 0), Want(0, 2), Want(0, 2)),
        # 1.9 and 0.1 players on average while one instance starts.
        (Buffer(service_level=LEVEL), Demand(0, 0), Want(0, 7), Want(0, 2)),
        (Buffer(instances=9, service_level=LEVEL), Demand(0, 0), Want(0, 9), Want(0, 9)),
        # A minimum is used up by sessions, and not refilled.
        (Buffer(minimum=4), Demand(0, 0), Want(0, 4), Want(0, 0)),
        (Buffer(minimum=4), Demand(3, 0), Want(0, 1), Want(0, 0)),
        (Buffer(minimum=4), Demand(9, 0), Want(0, 0), Want(0, 0)),
        (Buffer(instances=1, minimum=4), Demand(1, 0), Want(0, 2), Want(0, 1)),
        # From zero, by the queue alone.
        (Buffer(), Demand(0, 0), Want(0, 0), Want(0, 0)),
        (Buffer(), Demand(0, 1), Want(1, 0), Want(0, 0)),
    ],
)
def test_what_an_application_wants_of_its_versions(buffer: Buffer, demand: Demand, old: Want, new: Want) -> None:
    assert instances_wanted(buffer, (OLD, NEW), demand) == {"demo-1": old, "demo-2": new}


def test_a_version_without_sessions_keeps_nothing_ready() -> None:
    fleets = (fleet("demo-1", weight=0), fleet("demo-2", weight_override=0), fleet("demo-3", draining=True), NEW)
    wanted = instances_wanted(Buffer(instances=2, minimum=5), fleets, Demand(0, 4))
    assert wanted == {"demo-1": Want(), "demo-2": Want(), "demo-3": Want(), NEW.name: Want(4, 5)}
    assert instances_wanted(Buffer(instances=2), fleets[:3], Demand(0, 4)) == dict.fromkeys(
        ("demo-1", "demo-2", "demo-3"), Want()
    )


def test_nothing_is_ended_in_the_moment_before_it_refills_the_buffer() -> None:
    """One instance is warm and its player is said to wait still; the other is starting."""

    def wanted(replicas: int, demand: Demand) -> Want:
        return instances_wanted(Buffer(instances=1), [fleet(replicas=replicas)], demand)["demo-1"]

    assert wanted(2, Demand(0, 0, taking=1)) == Want(0, 1, staying=1)
    # Neither does it start any, nor keep more than there are players for.
    assert wanted(1, Demand(0, 0, taking=1)) == Want(0, 1)
    assert wanted(9, Demand(0, 1, taking=3)) == Want(1, 1, staying=3)
    assert wanted(2, Demand(1, 0)) == Want(0, 1)


def test_an_operator_s_buffer_goes_before_the_stack_s() -> None:
    wanted = instances_wanted(Buffer(instances=2), (fleet(buffer_override=5), NEW), Demand(0, 0))
    assert (wanted["demo-1"].buffer, wanted["demo-2"].buffer) == (5, 2)


@pytest.mark.parametrize(
    ("buffer", "slots", "sessions", "expected"),
    [
        (Buffer(nodes=2), 3, 0, 6),
        (Buffer(nodes_percent=25), 3, 10, 3),
        # 20 players on average while a node comes.
        (Buffer(service_level=LEVEL), 3, 0, 32),
        (Buffer(nodes=1, nodes_percent=50), 2, 10, 5),
        (Buffer(), 2, 10, 0),
    ],
)
def test_the_node_buffer(buffer: Buffer, slots: int, sessions: int, expected: int) -> None:
    assert slots_of(buffer, slots, sessions) == expected


@settings(deadline=None)
@given(st.integers(0, 500), st.dictionaries(st.text("abc", min_size=1), st.integers(0, 100), max_size=5))
def test_what_is_spread_is_all_given_and_by_shares(total: int, shares: dict[str, int]) -> None:
    given_ = spread(total, shares)
    whole = sum(shares.values())
    assert sum(given_.values()) == (total if whole else 0)
    for name, share in shares.items():
        assert abs(given_[name] - (total * share / whole if whole else 0)) < 1


WISHES = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(0, 2),
        st.builds(Want, st.integers(0, 8), st.integers(0, 8), st.integers(0, 3)),
    ),
    max_size=5,
).map(lambda found: [Wish(f"{name}-{i}", name, priority, want) for i, (name, priority, want) in enumerate(found)])


@settings(deadline=None)
@given(WISHES, st.integers(-2, 20), st.integers(-2, 20), st.integers(-2, 30))
def test_nobody_gets_more_than_wanted_or_than_there_is_room_for(wanted: list[Wish], a: int, b: int, room: int) -> None:
    rooms = {"a": a, "b": b}
    given_ = allot(wanted, rooms, room)
    assert sum(each.instances for each in given_.values()) <= max(0, room)
    for name, most in rooms.items():
        got = sum(given_[wish.fleet].instances for wish in wanted if wish.application == name)
        assert got <= max(0, most)
    for wish in wanted:
        each = given_[wish.fleet]
        wanted_of_it = wish.want.waiting + wish.want.buffer
        assert 0 <= each.instances + sum(each.cut.values()) - wanted_of_it <= wish.want.staying
        assert each.buffer <= min(each.instances, wish.want.buffer)
        # Whatever was cut off, was cut off since there is no room left.
        if Cap.POOL in each.cut:
            assert sum(other.instances for other in given_.values()) == max(0, room)


@settings(deadline=None)
@given(WISHES, st.integers(0, 30))
def test_a_lower_priority_takes_nothing_from_a_higher_one(wanted: list[Wish], room: int) -> None:
    rooms = {"a": 100, "b": 100}
    best = max((wish.priority for wish in wanted), default=0)
    alone = allot([wish for wish in wanted if wish.priority == best], rooms, room)
    together = allot(wanted, rooms, room)
    assert {name: together[name] for name in alone} == alone


def test_among_equals_a_player_who_waits_goes_first_and_all_get_some_in_turn() -> None:
    wanted = [
        Wish("a", "a", 0, Want(0, 6)),
        Wish("b", "b", 0, Want(3, 6)),
    ]
    assert allot(wanted, {"a": 9, "b": 9}, 7) == {
        "a": Allotment(2, 2, {Cap.POOL: 4}),
        "b": Allotment(5, 2, {Cap.POOL: 4}),
    }


def given_of(state: Cluster, its: StackSettings, restraint: Restraint = Restraint.NONE) -> dict[str, Allotment]:
    return wishes.instances(state, its, {each.name: each.buffer for each in its.applications}, restraint)


def test_the_pool_and_the_application_s_maximum_cut_off_what_is_wanted_beyond_them() -> None:
    demo = Application("demo", Buffer(instances=5, maximum=9))
    state = cluster(of=instances(Stage.SESSION, 6))
    assert given_of(state, stack(demo, max_nodes=8)) == {"demo-1": Allotment(3, 3, {Cap.APPLICATION: 2})}
    assert given_of(state, stack(demo, max_nodes=4)) == {"demo-1": Allotment(2, 2, {Cap.POOL: 3})}
    over = cluster(of=instances(Stage.SESSION, 10))
    assert given_of(over, stack(demo)) == {"demo-1": Allotment(0, 0, {Cap.APPLICATION: 5})}


def test_a_full_pool_goes_to_the_application_of_the_higher_priority() -> None:
    first, second = Application("first", Buffer(instances=3), priority=10), Application("second", Buffer(instances=3))
    state = cluster(fleet("first-1"), fleet("second-1"), of=instances(Stage.SESSION, 4, "second-1"))
    given_ = given_of(state, stack(second, first, max_nodes=4))
    assert (given_["first-1"].instances, given_["second-1"].instances) == (3, 1)


def test_shared_fleets_hold_slots_and_are_left_to_somebody_else() -> None:
    shared = Application("shared", Buffer(maximum=8), sessions=Sessions.SHARED)
    demo = Application("demo", Buffer(instances=5))
    state = cluster(fleet("shared-1"), fleet(), of=instances(Stage.WARM, 5, "shared-1"))
    assert given_of(state, stack(demo, shared, max_nodes=4)) == {"demo-1": Allotment(3, 3, {Cap.POOL: 2})}


@pytest.mark.parametrize(
    ("restraint", "expected", "slots"),
    [
        (Restraint.NONE, Allotment(5, 2), wishes.Slots(2, 0)),
        (Restraint.SOFT, Allotment(3, 0, {Cap.BUDGET: 2}), wishes.Slots(0, 2)),
        (Restraint.HARD, Allotment(0, 0, {Cap.BUDGET: 5}), wishes.Slots(0, 2)),
    ],
)
def test_a_budget_that_is_used_up_takes_buffers_first(
    restraint: Restraint, expected: Allotment, slots: wishes.Slots
) -> None:
    its = stack(Application("demo", Buffer(instances=2, nodes=1)))
    state = cluster(waiting={"demo": 3}, of=instances(Stage.SESSION, 4))
    given_ = given_of(state, its, restraint)
    assert given_ == {"demo-1": expected}
    buffers = {"demo": its.applications[0].buffer}
    assert wishes.slots(state, its, buffers, restraint, expected.instances) == slots


def test_nothing_is_started_for_those_who_wait_for_a_paused_application() -> None:
    """Nobody is let in until it goes on; meanwhile others need the room. What is kept ready stays so."""
    its = stack(Application("demo", Buffer(instances=1)), Application("other", Buffer(instances=6)), max_nodes=3)
    fleets = (fleet("demo-1", paused=True), fleet("demo-2", 0), fleet("other-1"))
    given_ = given_of(cluster(*fleets, waiting={"demo": 20}), its)
    assert {name: each.instances for name, each in given_.items()} == {"demo-1": 1, "demo-2": 1, "other-1": 4}
    goes_on = given_of(cluster(fleet("demo-1"), *fleets[1:], waiting={"demo": 20}), its)
    assert goes_on["other-1"].instances == 0


@pytest.mark.parametrize(
    ("warm", "replicas", "expected"),
    [
        # The one that was started for the player who waits, and is ready now, is not ended before it is taken.
        (1, 1, 1),
        # Neither is it where it stood for a part of the buffer that is given up; but the other is.
        (2, 2, 1),
        (2, 3, 1),
    ],
)
def test_a_budget_leaves_the_instance_that_a_player_is_about_to_take(warm: int, replicas: int, expected: int) -> None:
    its = stack(Application("demo", Buffer(instances=2, minimum=3)))
    fleet_ = fleet(replicas=replicas, buffer_override=3)
    state = cluster(fleet_, waiting={"demo": 1}, of=instances(Stage.WARM, warm))
    assert given_of(state, its, Restraint.SOFT)["demo-1"].instances == expected
    assert given_of(state, its, Restraint.HARD)["demo-1"].instances == 0
    nobody = cluster(fleet_, of=instances(Stage.WARM, warm))
    assert given_of(nobody, its, Restraint.SOFT)["demo-1"].instances == 0


def test_the_node_buffer_takes_what_room_instances_leave() -> None:
    its = stack(Application("demo", Buffer(instances=2, nodes=2)), max_nodes=4)
    state = cluster(of=instances(Stage.SESSION, 4))
    assert wishes.slots(state, its, {"demo": its.applications[0].buffer}, Restraint.NONE, 2) == wishes.Slots(2, 2)


def test_what_is_cordoned_takes_nothing_and_is_paid_for() -> None:
    its = stack(max_nodes=4)
    closed = nodes(2, cordoned=True)
    state = cluster(gpu_nodes=closed, of=instances(Stage.SESSION, 3, node="gpu-1"))
    # Two more nodes may come, whatever stands on the two that are closed.
    assert wishes.room(state, its) == 4
    assert wishes.room(cluster(of=instances(Stage.SESSION, 3)), its) == 5


def test_slots_by_cpu_are_what_nodes_have() -> None:
    its = stack(max_nodes=3, slots=None)
    state = cluster(gpu_nodes=nodes(2, slots=5))
    assert wishes.slots_per_node(state.gpu_nodes, its.gpu) == 5
    assert wishes.room(state, its) == 15
    nobody = cluster(gpu_nodes=())
    assert wishes.room(nobody, its) == 3
