"""Where players go that share instances."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.inventory import Inventory
from signalling.matchmaker.matching import Share
from signalling.matchmaker.settings import ApplicationSettings, Sessions, SessionSettings
from signalling.matchmaker.sharing import CLOSED_SECONDS, COUNTED_SECONDS, Seating, SharedInstances

APPLICATION = ApplicationSettings(name="tour", sessions=Sessions.SHARED, session=SessionSettings(players=3))
SHARES = [Share("v1", 1)]


def instance(name: str, players: int = 0, **more: Any) -> Instance:
    given = {"ready": True, "going": False, "revision": "1", "annotated": True, "players": players, "version": "v1"}
    return Instance(name=name, application="tour", pool=Pool.IDLE, address="10.0.0.1", **{**given, **more})


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def shared(*instances: Instance, clock: Clock | None = None) -> SharedInstances:
    inventory = Inventory()
    inventory.listed(instances)
    return SharedInstances(inventory, clock or Clock())


def test_the_fullest_with_room_is_filled_first():
    seating = Seating({"v1": {"a": 1, "b": 2, "full": 3, "c": 0}}, 3)
    assert seating.room == 6
    assert [seating.take(["v1"]) for _ in range(7)] == ["b", "a", "a", "c", "c", "c", None]


def test_another_version_is_better_than_none():
    seating = Seating({"v1": {"a": 2}, "v2": {"b": 0}}, 3)
    assert [seating.take(["v1", "v2"]) for _ in range(2)] == ["a", "b"]


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 6), max_size=8), st.integers(1, 5))
def test_nobody_is_seated_where_there_is_no_room(players, each):
    seating = Seating({"v": players}, each)
    seated = list(iter(lambda: seating.take(["v"]), None))
    assert len(seated) == seating.room == sum(max(0, each - number) for number in players.values())
    for name in players:
        assert players[name] + seated.count(name) <= max(each, players[name])


def test_who_has_joined_counts_until_the_annotation_says_so():
    it = shared(instance("a", 1))
    known = instance("a", 1)
    it.joined(known)
    assert it.players(known) == 2
    it.joined(known)
    assert (it.players(known), it.seating(APPLICATION, SHARES).room) == (3, 0)
    it.changed(known, instance("a", 1, revision="2"))
    assert it.players(known) == 3
    it.changed(known, instance("a", 2))
    it.changed(instance("a", 2), known)
    assert it.players(known) == 1, "counted twice since"


def test_who_has_joined_is_counted_after_a_while_though_the_number_may_be_the_same():
    clock = Clock()
    it = shared(instance("a", 1), clock=clock)
    it.joined(instance("a", 1))
    clock.now += COUNTED_SECONDS
    assert it.players(instance("a", 1)) == 1, "somebody else has left"


def test_an_instance_that_took_somebody_in_vain_gets_nobody_for_a_while():
    clock = Clock()
    it = shared(instance("a", 1), instance("b", 0), clock=clock)
    it.joined(instance("a", 1))
    it.closed(instance("a", 1))
    assert it.seating(APPLICATION, SHARES).take(["v1"]) == "b"
    clock.now += CLOSED_SECONDS
    assert it.seating(APPLICATION, SHARES).take(["v1"]) == "a"


@pytest.mark.parametrize("change", [{"ready": False}, {"draining": True}, {"going": True}, {"version": "v2"}])
def test_what_takes_nobody_has_no_room(change):
    assert shared(instance("a", **change)).seating(APPLICATION, SHARES).room == 0


def test_the_ratio_is_players_by_room():
    assert shared(instance("a", 3), instance("b", 0)).ratio(APPLICATION, waiting=0) == 0.5
    assert shared().ratio(APPLICATION, waiting=0) == 0
    assert shared().ratio(APPLICATION, waiting=4) == 5, "it still says how many are needed"
