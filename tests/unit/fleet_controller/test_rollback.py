"""Rolling back: the risk of being wrong is what the rule says, whatever is looked at how often; and what lifts it."""

from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy.stats import beta

from capacity.buffer import Buffer
from capacity.controller.actions import Annotate, Kind, Notice
from capacity.controller.cluster import Fleet, Rollback, Tally
from capacity.controller.decisions import decide
from capacity.controller.memory import Memory, kept, newly_ended, read, written
from capacity.controller.overrides import fingerprint, lifted, rolled_back
from capacity.controller.rollback import Part, Trial, exceeds, judged, least, most, went_on
from capacity.controller.settings import Application, RollbackRule
from tests.unit.fleet_controller.situations import NOW, cluster, fleet, stack

RULE = RollbackRule(margin=0.05, sessions=20, risk=0.05)
FLEETS = (fleet("demo-1", weight=95), fleet("demo-2", weight=5))
LOOKS = 4


def after(tallies: dict[str, Tally], fleets: tuple[Fleet, ...] = FLEETS, rule: RollbackRule = RULE) -> Trial:
    return judged(went_on(Trial(), fleets, tallies), fleets, rule)


@pytest.mark.parametrize("part", [Part(0, 20), Part(3, 20), Part(20, 20), Part(5, 400), Part(390, 400)])
def test_bounds_of_a_share_are_the_exact_ones(part: Part) -> None:
    below = beta.ppf(0.01, part.number, part.of - part.number + 1) if part.number else 0
    above = beta.ppf(0.99, part.number + 1, part.of - part.number) if part.number < part.of else 1
    assert least(part, 0.01) == pytest.approx(below, abs=1e-5)
    assert most(part, 0.01) == pytest.approx(above, abs=1e-5)


exceeding = lru_cache(maxsize=None)(exceeds)


def share_rolled_back(canary: float, others: float, ratio: float, courses: int = 800) -> float:
    """Of simulated canaries, the part that is rolled back within four looks."""
    random = np.random.default_rng(7)
    worse = np.zeros(courses, bool)
    mine, theirs = np.zeros((2, courses), int)
    own = rest = 0
    for look in range(LOOKS):
        of_own, of_rest = RULE.sessions * 2**look, round(RULE.sessions * 2**look * ratio)
        mine += random.binomial(of_own - own, canary, courses)
        theirs += random.binomial(of_rest - rest, others, courses)
        own, rest = of_own, of_rest
        risk = RULE.risk / 2 / 2 ** (look + 1)
        worse |= np.array(
            [
                exceeding(Part(int(a), own), Part(int(b), rest), RULE.margin, risk)
                for a, b in zip(mine, theirs, strict=True)
            ]
        )
    return float(worse.mean())


@pytest.mark.parametrize("others", [0.0, 0.01, 0.1, 0.5])
@pytest.mark.parametrize("ratio", [1.0, 19.0])
def test_a_canary_that_is_just_not_too_bad_is_rarely_rolled_back(others: float, ratio: float) -> None:
    """On the very edge of the margin, where mistakes are likeliest; half of the risk is for bad sessions."""
    assert share_rolled_back(others + RULE.margin, others, ratio) <= RULE.risk / 2


@pytest.mark.parametrize("others", [0.01, 0.1])
def test_a_canary_as_good_as_the_others_is_practically_never_rolled_back(others: float) -> None:
    assert share_rolled_back(others, others, 19.0) <= 0.002


@pytest.mark.parametrize(("canary", "least_found"), [(0.5, 0.999), (0.2, 0.85)])
@pytest.mark.parametrize("ratio", [1.0, 19.0])
def test_a_bad_canary_is_found(canary: float, least_found: float, ratio: float) -> None:
    assert share_rolled_back(canary, 0.01, ratio) >= least_found


def test_the_decision_looks_when_sessions_have_doubled() -> None:
    few = after({"1": Tally(400, 4), "2": Tally(19, 19)})
    assert (few.looks, few.worse) == ({}, {})
    enough = judged(went_on(few, FLEETS, {"2": Tally(1, 1)}), FLEETS, RULE)
    assert enough.looks == {"1": 1, "2": 1}
    assert list(enough.worse) == ["2"]
    assert enough.worse["2"] == "20 of 20 sessions failed, of the other versions' 4 of 400"
    # Nothing new, nothing looked at: no part of the risk is spent for nothing.
    assert judged(enough, FLEETS, RULE) == enough


def test_bad_pictures_count_as_failures_do() -> None:
    assert "bad" in after({"1": Tally(400, 0, 3), "2": Tally(40, 0, 30)}).worse["2"]
    assert not after({"1": Tally(400, 200, 0), "2": Tally(40, 20, 0)}).worse


def test_the_old_version_can_be_the_worse_one_and_the_last_one_stays() -> None:
    assert list(after({"1": Tally(400, 300), "2": Tally(40, 0)}).worse) == ["1"]
    alone = (FLEETS[0], fleet("demo-2", weight_override=0))
    assert not after({"1": Tally(400, 400), "2": Tally(400, 0)}, alone).worse


def test_a_trial_begins_anew_with_other_versions_weights_or_templates() -> None:
    trial = went_on(Trial(), FLEETS, {"1": Tally(5, 1), "2": Tally(3, 0)})
    assert went_on(trial, FLEETS, {"1": Tally(2, 1)}).tallies == {"1": Tally(7, 2), "2": Tally(3, 0)}
    for other in (
        (FLEETS[0], fleet("demo-2", weight=10)),
        (FLEETS[0], fleet("demo-2", weight=5, revision="2")),
        (FLEETS[0],),
    ):
        assert went_on(trial, other, {"1": Tally(2, 1)}).tallies == {"1": Tally(2, 1)}


def test_a_rollback_says_what_and_why_and_is_done_once() -> None:
    annotate, notice = rolled_back(FLEETS, {"2": "20 of 20 sessions failed"}, NOW)
    assert isinstance(annotate, Annotate) and isinstance(notice, Notice)
    assert (annotate.kind, annotate.name, annotate.seen) == (Kind.FLEET, "demo-2", "1")
    assert annotate.annotations["app.pixel/weight-override"] == "0"
    record = msgspec.json.decode(annotate.annotations["app.pixel/rolled-back"] or "", type=Rollback)
    assert record == Rollback("100", "1", "2026-11-25T12:00:00+00:00", "20 of 20 sessions failed")
    assert (notice.reason, notice.fleet, notice.warning) == ("VersionRolledBack", "demo-2", True)
    done = (FLEETS[0], fleet("demo-2", weight=5, weight_override=0, rollback=record))
    assert not list(rolled_back(done, {"2": "20 of 20 sessions failed"}, NOW))


@pytest.mark.parametrize(
    ("now", "stands"),
    [
        ({}, True),
        ({"stated": "10"}, False),
        ({"revision": "2"}, False),
        # An operator has taken it away.
        ({"weight_override": None}, False),
    ],
)
def test_what_lifts_a_rollback(now: dict[str, str | None], stands: bool) -> None:
    before = {"stated": "100", "revision": "1", "weight_override": 0, "rollback": Rollback("100", "1", "", "")}
    its: dict[str, Any] = before | now
    found = list(lifted([fleet("demo-2", **its)], [], {}))
    assert bool(found) is not stands
    if found:
        assert Notice("RollbackLifted", "version 2 gets sessions again", "demo-2") in found
        gone = {"app.pixel/weight-override": None, "app.pixel/rolled-back": None}
        assert Annotate(Kind.FLEET, "demo-2", gone, "1") in found


def test_an_operator_s_buffer_is_lifted_by_other_settings() -> None:
    before, after_ = Application("demo", Buffer(instances=1)), Application("demo", Buffer(instances=2))
    overridden = [fleet(buffer_override=7)]
    known = {"demo": fingerprint(before)}
    assert not list(lifted(overridden, [before], known))
    assert not list(lifted(overridden, [before], {}))
    gone = {"app.pixel/buffer-override": None}
    assert list(lifted(overridden, [after_], known)) == [Annotate(Kind.FLEET, "demo-1", gone, "1")]


def test_an_operator_s_buffer_that_could_not_be_lifted_is_lifted_later() -> None:
    """The deployment that changes the settings changes the fleet at the same time, and the API server refuses."""
    lift = Annotate(Kind.FLEET, "demo-1", {"app.pixel/buffer-override": None}, "1")
    before, after_ = stack(Application("demo", Buffer(instances=1))), stack(Application("demo", Buffer(instances=2)))
    overridden = cluster(fleet(buffer_override=7))
    memory = decide(overridden, before, Memory(), NOW).memory
    for _ in range(2):
        decision = decide(overridden, after_, memory, NOW)
        assert lift in decision.actions
        memory = decision.memory
    done = decide(cluster(fleet()), after_, memory, NOW)
    assert lift not in done.actions
    # What an operator sets afterwards stands.
    assert lift not in decide(overridden, after_, done.memory, NOW).actions


def test_sessions_are_counted_once_whoever_counts() -> None:
    first = {"a": {"demo/1": Tally(5, 1)}}
    assert newly_ended({}, first) == {"demo": {"1": Tally(5, 1)}}
    second = {"a": {"demo/1": Tally(7, 1)}, "b": {"demo/1": Tally(1, 0), "demo/2": Tally(2, 2)}}
    assert newly_ended(first, second) == {"demo": {"1": Tally(3, 0), "2": Tally(2, 2)}}
    assert newly_ended(second, second) == {}
    # One that did not answer for a while is not taken for a new one.
    missing = kept(second, {"b": second["b"]})
    assert newly_ended(missing, second) == {}
    # A matchmaker that was restarted is another one, and begins at nothing.
    assert newly_ended(second, {"a2": {"demo/1": Tally(1, 0)}}) == {"demo": {"1": Tally(1, 0)}}


def test_sessions_of_many_matchmakers_are_counted_once() -> None:
    many = {f"10.0.0.{number}": {"demo/1": Tally(10, 1)} for number in range(60)}
    assert newly_ended({}, many) == {"demo": {"1": Tally(600, 60)}}
    assert newly_ended(kept({}, many), many) == {}
    # Of those that are silent some are forgotten, the longest silent ones first.
    silent = kept(kept({}, many), {"b": {}})
    assert "10.0.0.59" in silent and "10.0.0.0" not in silent


def test_what_is_remembered_is_read_as_it_was_written() -> None:
    memory = Memory(trials={"demo": after({"1": Tally(400, 4), "2": Tally(20, 20)})}, settings={"demo": "{}"})
    assert read(written(memory)) == memory
    assert read("") == read("{") == read('{"trials": 7}') == Memory()
