"""Who gets which instance."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.matching import Match, Matching, Share, demand_ratio, preference

SHARES = {"demo": [Share("v1", 95), Share("v2", 5)], "other": [Share("v1", 1)]}
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


def sharing(random: Random, shares: Mapping[str, Sequence[Share]] = SHARES) -> Matching:
    matching = Matching(["demo", "other"], random)
    assert matching.share(shares) == []
    return matching


@pytest.fixture
def matching():
    return sharing(Random(1))


def test_first_come_first_served(matching):
    for player in "abc":
        assert matching.join("demo", player) == []
    served = [match.session for name in "xyz" for match in matching.changed(instance(name))]
    assert served == ["a", "b", "c"]


def test_a_player_takes_an_idle_instance_at_once(matching):
    assert matching.changed(instance("x")) == []
    assert matching.join("demo", "a") == [Match("a", instance("x"))]
    assert matching.join("demo", "b") == []


def test_applications_do_not_mix(matching):
    matching.changed(instance("x", application="other"))
    assert matching.join("demo", "a") == []
    assert [match.session for match in matching.join("other", "b")] == ["b"]


def test_a_player_whose_instance_came_to_nothing_goes_to_the_head(matching):
    matching.join("demo", "a")
    matching.changed(instance("x"))
    matching.join("demo", "b")
    matching.rejoin("demo", "a")
    assert [match.session for match in matching.changed(instance("y"))] == ["a"]


def test_a_player_that_leaves_gets_nothing(matching):
    matching.join("demo", "a")
    matching.leave("demo", "a")
    matching.leave("demo", "never here")
    assert matching.changed(instance("x")) == []


@pytest.mark.parametrize(
    "change",
    [{"ready": False}, {"going": True}, {"address": None}, {"pool": Pool.SESSION}, {"application": "unknown"}],
)
def test_what_cannot_be_claimed_is_not_offered(matching, change):
    matching.join("demo", "a")
    assert matching.changed(instance("x", **change)) == []
    matching.changed(instance("y", version="unknown"))
    assert matching.idle("demo") == 0


def test_an_instance_that_stops_being_ready_is_not_offered_any_more(matching):
    matching.changed(instance("x"))
    matching.changed(instance("x", ready=False, revision="2"))
    assert matching.join("demo", "a") == []


def test_a_matched_instance_is_not_matched_again_while_the_watch_is_behind(matching):
    matching.changed(instance("x"))
    matching.join("demo", "a")
    matching.join("demo", "b")
    assert matching.changed(instance("x", revision="2")) == []
    assert matching.changed(instance("x", revision="3", pool=Pool.SESSION)) == []
    assert len(matching.changed(instance("x", revision="4"))) == 1, "given back to the fleet"


def test_a_refused_instance_waits_for_another_revision(matching):
    matching.changed(instance("x"))
    matching.join("demo", "a")
    assert matching.refused(instance("x")) == []
    assert matching.rejoin("demo", "a") == []
    assert matching.changed(instance("x")) == []
    assert [match.session for match in matching.changed(instance("x", revision="2"))] == ["a"]


def test_a_refused_instance_that_has_already_changed_is_offered(matching):
    matching.changed(instance("x"))
    matching.join("demo", "a")
    matching.changed(instance("x", revision="2"))
    matching.rejoin("demo", "a")
    assert [match.instance.revision for match in matching.refused(instance("x"))] == ["2"]


def test_an_unclear_claim_may_be_tried_again(matching):
    matching.changed(instance("x"))
    matching.join("demo", "a")
    matching.rejoin("demo", "a")
    assert [match.session for match in matching.unclear(instance("x"))] == ["a"]


def test_a_new_listing_forgets_what_is_not_in_it(matching):
    matching.changed(instance("x"))
    matching.changed(instance("y"))
    assert matching.listed([instance("y"), instance("z")]) == []
    assert sorted(known.name for known in matching.instances()) == ["y", "z"]
    assert matching.idle("demo") == 2
    matching.removed("y")
    matching.removed("never here")
    assert matching.idle("demo") == 1


@pytest.mark.parametrize(
    ("draw", "order"),
    [(0.0, ["v1", "v2"]), (0.949, ["v1", "v2"]), (0.951, ["v2", "v1"]), (0.999, ["v2", "v1"])],
)
def test_versions_are_drawn_by_weight(draw, order):
    assert preference(SHARES["demo"], draw) == order


def test_a_version_of_no_weight_gets_nobody():
    assert preference([Share("a", 0), Share("b", 1)], 0.0) == ["b"]
    assert preference([Share("a", 0)], 0.0) == []


def test_sessions_spread_by_weight_and_spill_over():
    matching = sharing(Random(7))
    for number in range(1000):
        matching.changed(instance(f"a{number}"))
        matching.changed(instance(f"b{number}", version="v2"))
    got = Counter(matching.join("demo", str(number))[0].instance.version for number in range(1000))
    assert 20 <= got["v2"] <= 90
    alone = sharing(Random(7))
    alone.changed(instance("only", version="v2"))
    assert alone.join("demo", "a")[0].instance.name == "only"


@given(st.lists(st.integers(0, 50), min_size=1, max_size=5), st.floats(0, 1, exclude_max=True))
def test_everybody_with_a_weight_is_in_the_order_once(weights, draw):
    shares = [Share(str(number), weight) for number, weight in enumerate(weights)]
    assert sorted(preference(shares, draw)) == sorted(share.version for share in shares if share.weight)


def test_before_a_version_is_known_everybody_waits_and_then_is_served_in_order():
    matching = Matching(["demo", "other"], Random(1))
    for player in "ab":
        assert matching.join("demo", player) == []
    assert matching.changed(instance("x")) == [] == matching.changed(instance("y", version="v2"))
    assert matching.idle("demo") == 0
    assert [(match.session, match.instance.name) for match in matching.share({"demo": [Share("v2", 1)]})] == [
        ("a", "y")
    ]
    assert [match.session for match in matching.share(SHARES)] == ["b"]


@pytest.mark.parametrize("shares", [{}, {"demo": []}, {"demo": [Share("v1", 0), Share("v2", 0)]}])
def test_without_a_fleet_or_a_weight_players_stay_in_the_queue(matching, shares):
    matching.changed(instance("x"))
    assert matching.share({**shares, "other": SHARES["other"]}) == []
    assert matching.join("demo", "a") == [] == matching.changed(instance("y"))
    assert (matching.waiting("demo"), matching.idle("demo")) == (1, 0)
    assert [match.session for match in matching.share(SHARES)] == ["a"]


def test_a_new_weight_counts_from_the_next_match_on(matching):
    for number in range(50):
        matching.changed(instance(f"a{number}"))
        matching.changed(instance(f"b{number}", version="v2"))
    assert matching.share({"demo": [Share("v1", 0), Share("v2", 5)]}) == []
    assert {matching.join("demo", str(number))[0].instance.version for number in range(50)} == {"v2"}
    assert matching.join("demo", "one too many") == []


WEIGHTS: list[list[Share]] = [
    [],
    [Share("v1", 0)],
    [Share("v1", 1)],
    [Share("v2", 1)],
    [Share("v1", 2), Share("v2", 1)],
]
STEPS = ["join", "leave", "idle", "claimed", "gone", "refused", "unclear", "weigh"]


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 5)), max_size=60))
def test_no_instance_is_matched_twice_and_nobody_overtakes(steps):
    matching = Matching(["demo"], Random(0))
    matching.share({"demo": WEIGHTS[-1]})
    queue: list[str] = []
    claiming: dict[str, Instance] = {}
    for revision, (step, number) in enumerate(steps):
        name, player = f"i{number}", f"p{number}"
        matches: list[Match] = []
        match step:
            case "join" if player not in queue:
                queue.append(player)
                matches = matching.join("demo", player)
            case "leave":
                queue = [waiting for waiting in queue if waiting != player]
                matching.leave("demo", player)
            case "idle":
                matches = matching.changed(instance(name, revision=str(revision), version=f"v{number % 2 + 1}"))
            case "claimed":
                claiming.pop(name, None)
                matches = matching.changed(instance(name, revision=str(revision), pool=Pool.SESSION))
            case "gone":
                claiming.pop(name, None)
                matching.removed(name)
            case "refused" if name in claiming:
                matches = matching.refused(claiming.pop(name))
            case "unclear" if name in claiming:
                matches = matching.unclear(claiming.pop(name))
            case "weigh":
                matches = matching.share({"demo": WEIGHTS[number % len(WEIGHTS)]})
        for match in matches:
            assert match.session == queue.pop(0)
            assert match.instance.name not in claiming
            claiming[match.instance.name] = match.instance
        assert matching.waiting("demo") == len(queue)
        assert not (queue and matching.idle("demo")), "nobody waits while there is room"


@pytest.mark.parametrize(("players", "ready", "ratio"), [(0, 0, 0.0), (3, 0, 4.0), (3, 4, 0.75), (0, 4, 0.0)])
def test_the_demand_ratio_is_the_original_s(players, ready, ratio):
    assert demand_ratio(players, ready) == ratio
