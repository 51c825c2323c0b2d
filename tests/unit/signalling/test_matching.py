"""Who gets which instance."""

from bisect import insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.inventory import Inventory
from signalling.matchmaker.matching import Share, assign, demand_ratio, position, preference

SHARES = [Share("v1", 95), Share("v2", 5)]
BASE = Instance(
    name="a",
    application="demo",
    version="v1",
    pool=Pool.IDLE,
    address="10.0.0.1",
    ready=True,
    going=False,
    revision="1",
    annotated=False,
)


def instance(name: str, **more: Any) -> Instance:
    return replace(BASE, name=name, **more)


def filled(*instances: Instance) -> Inventory:
    inventory = Inventory()
    inventory.listed(instances)
    return inventory


def pairs(
    queue: Sequence[str], inventory: Inventory, shares: Sequence[Share] = SHARES, **claiming: str
) -> dict[str, str]:
    return dict(assign(queue, inventory.rings("demo"), shares, claiming))


def names(prefix: str, number: int) -> list[str]:
    return [f"{prefix}{each}" for each in range(number)]


# Versions


def test_sessions_spread_by_weight():
    firsts = Counter(preference(SHARES, f"session-{number}")[0] for number in range(20_000))
    assert 0.045 < firsts["v2"] / 20_000 < 0.055


def test_a_session_s_order_is_always_the_same_and_a_new_weight_moves_few():
    before = {session: preference([Share("v1", 90), Share("v2", 10)], session)[0] for session in names("s", 5000)}
    after = {session: preference([Share("v1", 80), Share("v2", 20)], session)[0] for session in before}
    moved = [session for session in before if before[session] != after[session]]
    assert all((before[session], after[session]) == ("v1", "v2") for session in moved), "nobody leaves the canary"
    assert 0.08 < len(moved) / 5000 < 0.12
    assert before == {session: preference([Share("v2", 10), Share("v1", 90)], session)[0] for session in before}


@given(st.lists(st.integers(0, 50), max_size=5), st.text())
def test_everybody_with_a_weight_is_in_the_order_once(weights, session):
    shares = [Share(str(number), weight) for number, weight in enumerate(weights)]
    assert sorted(preference(shares, session)) == sorted(share.version for share in shares if share.weight)


# Instances


@pytest.mark.parametrize(
    "change",
    [
        *({"ready": False}, {"going": True}, {"address": None}, {"draining": True}, {"application": "other"}),
        *({"pool": Pool.SESSION}, {"pool": Pool.ENDED}),
    ],
)
def test_what_cannot_be_claimed_is_not_idle(change):
    inventory = filled(instance("x", **change))
    assert inventory.idle("demo", SHARES) == 0
    assert pairs(["a"], inventory) == {}
    inventory.changed(instance("x", revision="2"))
    assert inventory.idle("demo", SHARES) == 1


def test_a_version_without_weight_or_fleet_is_not_idle():
    inventory = filled(instance("x"), instance("y", version="v3"))
    assert inventory.idle("demo", SHARES) == 1
    assert inventory.idle("demo", [Share("v1", 0), Share("v2", 1)]) == 0
    assert pairs(["a"], inventory, [Share("v1", 0)]) == {}


def test_an_instance_that_stops_being_ready_is_not_idle_any_more():
    inventory = filled(instance("x"))
    inventory.changed(instance("x", ready=False, revision="2"))
    assert pairs(["a"], inventory) == {}


def test_a_refused_instance_waits_for_another_revision():
    inventory = filled(instance("x"))
    inventory.refused(instance("x"))
    inventory.changed(instance("x"))
    assert inventory.idle("demo", SHARES) == 0
    inventory.changed(instance("x", revision="2"))
    assert inventory.idle("demo", SHARES) == 1


def test_a_refused_instance_that_has_already_changed_is_idle():
    inventory = filled(instance("x", revision="2"))
    inventory.refused(instance("x"))
    assert inventory.idle("demo", SHARES) == 1


def test_a_new_listing_forgets_what_is_not_in_it():
    inventory = filled(instance("x"), instance("y"))
    assert inventory.listed([instance("y"), instance("z")]) == [instance("x")]
    assert sorted(known.name for known in inventory.instances()) == ["y", "z"]
    assert inventory.removed("y") == instance("y")
    assert inventory.removed("never here") is None
    assert inventory.idle("demo", SHARES) == 1


@pytest.mark.parametrize("first", ["answer", "watch"])
def test_a_change_of_ours_is_told_once_though_its_answer_and_the_watch_bring_it(first):
    told = []
    inventory = Inventory(lambda before, now: told.append((before and before.pool, now.pool)))
    inventory.listed([instance("x")])
    claimed = instance("x", revision="10", pool=Pool.SESSION, session="s")
    ways = [inventory.patched, inventory.changed]
    for way in ways if first == "answer" else reversed(ways):
        way(claimed)
    assert told == [(None, Pool.IDLE), (Pool.IDLE, Pool.SESSION), (Pool.SESSION, Pool.SESSION)]


def test_what_is_older_than_what_is_known_is_passed_over():
    inventory = filled(instance("x"))
    inventory.patched(instance("x", revision="10", pool=Pool.SESSION, session="s"))
    inventory.changed(instance("x", revision="9"))
    assert inventory.idle("demo", SHARES) == 0
    inventory.changed(instance("x", revision="11", going=True))
    inventory.patched(instance("x", revision="10", draining=True))
    known = inventory.get("x")
    assert known is not None and known.going


def test_an_answer_does_not_bring_back_what_is_gone():
    inventory = filled(instance("x"))
    inventory.removed("x")
    inventory.patched(instance("x", revision="2", draining=True))
    assert inventory.get("x") is None


def test_a_listing_counts_though_a_restore_has_set_the_revisions_back():
    inventory = filled(instance("x", revision="10", pool=Pool.SESSION))
    inventory.listed([instance("x", revision="5")])
    assert inventory.idle("demo", SHARES) == 1


def test_a_session_s_instance_is_found_while_it_has_it():
    inventory = filled(instance("x", pool=Pool.SESSION, session="s"))
    assert inventory.of_session("s") == instance("x", pool=Pool.SESSION, session="s")
    inventory.changed(instance("x", revision="2"))
    assert inventory.of_session("s") is None
    inventory.changed(instance("x", pool=Pool.SESSION, session="s"))
    inventory.changed(instance("y", pool=Pool.SESSION, session="s"))
    inventory.removed("x")
    assert inventory.of_session("s") == instance("y", pool=Pool.SESSION, session="s"), "the later one"


@pytest.mark.parametrize("last", ["x", "y"])
def test_an_instance_that_came_to_nothing_does_not_hide_the_next_of_its_session(last):
    """It bears the session's name until it is gone, and changes as it goes."""
    first = instance("x", pool=Pool.SESSION, session="s", started="2026-11-29T08:00:00.000+00:00")
    second = instance("y", pool=Pool.SESSION, session="s", started="2026-11-29T08:00:01.000+00:00")
    inventory = filled(first)
    inventory.changed(second)
    inventory.changed(replace({"x": first, "y": second}[last], revision="3"))
    found = inventory.of_session("s")
    assert found is not None and found.name == "y"
    inventory.changed(replace(first, revision="4", pool=Pool.ENDED))
    inventory.changed(replace(first, revision="5", pool=Pool.ENDED, going=True))
    inventory.removed("x")
    found = inventory.of_session("s")
    assert found is not None and found.name == "y"
    inventory.changed(replace(second, revision="6", pool=Pool.ENDED))
    assert inventory.of_session("s") is None


# Both


def test_as_many_are_served_as_there_are_instances_in_their_order():
    inventory = filled(*(instance(name) for name in names("i", 3)))
    got = pairs(["c", "a", "b", "d"], inventory)
    assert list(got) == ["c", "a", "b"] and sorted(got.values()) == names("i", 3)


def test_nobody_waits_while_any_version_has_room():
    inventory = filled(instance("only", version="v2"))
    assert pairs(["a", "b"], inventory) == {"a": "only"}


def test_what_is_being_claimed_goes_to_nobody_else():
    inventory = filled(instance("x"), instance("y"))
    assert pairs(["a", "b"], inventory, a="x") == {"b": "y"}
    assert pairs(["b", "a"], inventory, a="gone") == dict(zip(["b"], [pairs(["b"], inventory)["b"]], strict=True))


def test_every_replica_comes_to_the_same_answer_whatever_order_it_learnt_in():
    instances = [
        instance(name, version="v2" if number % 20 == 0 else "v1") for number, name in enumerate(names("i", 200))
    ]
    one, other = filled(*instances), Inventory()
    for each in reversed(instances):
        other.changed(each)
    queue = names("s", 200)
    assert pairs(queue, one) == pairs(queue, other)


def test_a_replica_that_does_not_know_of_an_instance_yet_disagrees_about_few():
    instances = [instance(name) for name in names("i", 1000)]
    queue = names("s", 500)
    disagreements = []
    for missing in instances[:20]:
        known = [each for each in instances if each is not missing]
        mine, theirs = pairs(queue, filled(*instances)), pairs(queue, filled(*known))
        disagreements.append(sum(mine[session] != theirs[session] for session in queue))
    assert max(disagreements) < 25 and sum(disagreements) / 20 < 3


@given(
    st.lists(st.integers(0, 60), max_size=40, unique=True),
    st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=40, unique_by=lambda pair: pair[0]),
    st.sampled_from([SHARES, [Share("v1", 1)], [Share("v1", 0), Share("v2", 3)], []]),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 40)), max_size=5, unique_by=(lambda p: p[0], lambda p: p[1])),
)
def test_no_instance_is_given_twice_and_none_is_left_beside_somebody_who_waits(queue, instances, shares, claiming):
    inventory = filled(*(instance(f"i{number}", version="v2" if second else "v1") for number, second in instances))
    being = {f"s{session}": f"i{number}" for session, number in claiming}
    got = dict(assign([f"s{number}" for number in queue], inventory.rings("demo"), shares, being))
    assert len(set(got.values())) == len(got)
    assert not set(got.values()) & set(being.values()) and not got.keys() & being.keys()
    open_ = {share.version for share in shares if share.weight}
    free = {f"i{number}" for number, second in instances if ("v2" if second else "v1") in open_} - set(being.values())
    waiting = [f"s{number}" for number in queue if f"s{number}" not in being]
    assert list(got) == waiting[: len(free)]
    assert set(got.values()) <= free


def test_rings_stay_sorted():
    inventory = Inventory()
    expected: list[tuple[int, str]] = []
    for name in names("i", 300):
        inventory.changed(instance(name))
        insort(expected, (position(name), name))
    for name in names("i", 100):
        inventory.removed(name)
        expected.remove((position(name), name))
    assert list(inventory.rings("demo")["v1"]) == expected


@pytest.mark.parametrize(("players", "ready", "ratio"), [(0, 0, 0.0), (3, 0, 4.0), (3, 4, 0.75), (0, 4, 0.0)])
def test_the_demand_ratio_is_the_original_s(players, ready, ratio):
    assert demand_ratio(players, ready) == ratio
