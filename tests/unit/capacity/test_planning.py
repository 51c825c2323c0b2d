"""What the theory says: by known cases, by other ways to the same number, and for the rule of thumb."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from capacity.__main__ import main
from capacity.demand import DemandError, of_mapping
from capacity.durations import Duration, exponential, fixed, lognormal, through
from capacity.planning import base_stock, poisson, week
from capacity.planning.command import rate_of
from capacity.planning.demand_process import Players
from capacity.planning.finite_pool import CappedBuffer, OverloadedError
from capacity.planning.layers import Layers
from capacity.planning.node_buffer import NodeBuffer
from capacity.planning.plan import Planner, Pool, Sizes
from capacity.planning.rises import Rises
from capacity.planning.rule import advise
from capacity.planning.week import Stretch, stretches, usual
from tests.unit.capacity.erlang import erlang_b, erlang_c, mean_wait

CHECKOUT = Path(__file__).resolve().parents[3]

lengths = st.floats(1, 5000)
durations = st.one_of(
    lengths.map(fixed),
    lengths.map(exponential),
    st.tuples(lengths, st.floats(0.1, 2)).map(lambda each: lognormal(*each)),
    st.just(through({0.5: 40, 0.9: 70, 0.99: 120})),
)


@settings(deadline=None)
@given(durations, st.floats(0, 6000))
def test_areas_of_durations_are_integrals_of_their_chances(duration: Duration, seconds: float) -> None:
    times = np.unique(
        np.concatenate([np.linspace(seconds, max(seconds, duration.seconds[-1]), 4000), duration.seconds])
    )
    times = times[times >= seconds]
    longer = [1 - duration.chance_within(each) for each in times]
    within = integrate.trapezoid(longer, times) if len(times) > 1 else 0.0
    assert duration.beyond(seconds) == pytest.approx(within, rel=0.01, abs=0.02 * duration.mean + 1e-6)
    assert duration.beyond(0) == pytest.approx(duration.mean)


@settings(deadline=None)
@given(durations, st.floats(0, 1))
def test_quantile_and_chance_undo_each_other(duration: Duration, level: float) -> None:
    assert duration.chance_within(duration.quantile(level)) >= level - 1e-9


def test_durations_have_the_mean_and_spread_that_were_asked_for() -> None:
    for duration, spread in ((exponential(90), 1), (lognormal(90, 0.5), 0.5), (fixed(90), 0)):
        assert duration.mean == pytest.approx(90)
        assert duration.spread == pytest.approx(spread, rel=0.005)
    assert through({0.5: 40, 0.9: 70, 0.99: 120}).quantile(0.9) == 70


@pytest.mark.parametrize("table", [((0, 1), (5,)), ((0, 0.5), (1, 2)), ((0, 1), (2, 1)), ((0, 1), (-1, 1))])
def test_a_table_that_is_none_is_refused(table: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    with pytest.raises(ValueError, match=r"levels|seconds|table"):
        Duration(*table)


@given(st.integers(-2, 3000), st.floats(0.01, 2000))
def test_poisson_tails_agree_with_scipy(count: int, mean: float) -> None:
    assert poisson.chance_of_at_least(count, mean) == pytest.approx(
        stats.poisson.sf(count - 1, mean), abs=1e-300, rel=1e-8
    )


@given(st.floats(1e-6, 0.5), st.floats(0.01, 3000))
def test_the_smallest_buffer_keeps_its_promise_and_one_less_does_not(chance: float, mean: float) -> None:
    found = poisson.smallest_exceeded_by(chance, mean)
    assert poisson.chance_of_at_least(found, mean) <= chance
    assert found == 0 or poisson.chance_of_at_least(found - 1, mean) > chance


@given(st.integers(0, 40), st.floats(0.01, 30))
def test_the_expected_excess_is_the_sum_of_the_tails(count: int, mean: float) -> None:
    tails = sum(poisson.chance_of_at_least(each, mean) for each in range(count + 1, count + 400))
    assert poisson.expected_beyond(count, mean) == pytest.approx(tails, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    ("rate", "rule", "chance", "needed"), [(1 / 120, 1, 0.632, 5), (1 / 60, 2, 0.594, 7), (10.0, 1200, 0.504, 1282)]
)
def test_the_rule_of_thumb_promises_little(rate: float, rule: int, chance: float, needed: int) -> None:
    """The three examples of the page on overprovisioning, at 120 seconds each."""
    advice = advise(rate, 120, 0.99, exponential(1200), 900)
    assert advice.rule_of_thumb == rule
    assert advice.promised.chance_of_waiting == pytest.approx(chance, abs=5e-4)
    assert advice.buffer == needed == stats.poisson.isf(0.01, 120 * rate) + 1
    # Where sessions end and give slots back, the same rule promises more, and less is needed.
    assert advice.promised_in_balance is not None
    assert advice.buffer_in_balance is not None
    assert advice.promised_in_balance < advice.promised.chance_of_waiting
    assert advice.buffer_in_balance < needed


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 8), st.floats(0.001, 0.1), durations)
def test_chances_to_wait_longer_add_up_to_the_mean_wait(buffer: int, rate: float, lead: Duration) -> None:
    lead = lead.scaled(60 / lead.mean)
    expected = base_stock.promise(buffer, rate, lead.mean)
    layers = Layers(rate, lead, NodeBuffer(Players(rate, exponential(600)), fixed(0), 1, 900), 0)
    assert layers.chance_to_wait_longer(0, buffer) == pytest.approx(expected.chance_of_waiting, rel=1e-6)
    times = np.concatenate([np.linspace(0, 200, 200), np.linspace(202, 2500, 150)])
    longer = [layers.chance_to_wait_longer(each, buffer) for each in times]
    assert integrate.trapezoid(longer, times) == pytest.approx(expected.mean_wait, rel=0.03, abs=0.02)


def test_without_returns_nodes_are_a_base_stock_too() -> None:
    nodes = NodeBuffer(Players(0.05, exponential(600)), fixed(480), 1, 900, gives_back=False)
    for buffer in (0, 10, 24, 35):
        missing = nodes.missing(buffer, 20)
        assert missing[1] == pytest.approx(poisson.chance_of_at_least(buffer + 1, 24), rel=1e-3, abs=1e-9)
        assert missing[4] == pytest.approx(poisson.chance_of_at_least(buffer + 4, 24), rel=1e-3, abs=1e-9)


def test_the_longer_a_surplus_is_kept_the_less_is_missing() -> None:
    by_surplus = [
        NodeBuffer(Players(0.05, exponential(1200)), fixed(480), 1, each).missing(2, 1)[1]
        for each in (480, 900, 3600, 86400)
    ]
    assert by_surplus == sorted(by_surplus, reverse=True)
    assert by_surplus[-1] < by_surplus[0] / 3


def test_nodes_that_overtake_each_other_leave_less_missing() -> None:
    """If sessions give slots back; without that only the mean counts."""
    players = Players(0.05, exponential(1200))
    steady, varied = (NodeBuffer(players, each, 1, 900).missing(2, 3) for each in (fixed(480), lognormal(480, 0.8)))
    assert (varied[1:] < steady[1:]).all()
    rush = [
        NodeBuffer(players, each, 1, 900, gives_back=False).missing(2, 3) for each in (fixed(480), exponential(480))
    ]
    assert rush[1] == pytest.approx(rush[0])


def test_a_node_of_several_slots_is_kept_while_a_session_is_left_on_it() -> None:
    """Which counts the less, the longer it is kept anyhow."""
    more = []
    for surplus in (300, 900, 7200):
        nodes = NodeBuffer(Players(0.05, exponential(1200)), fixed(480), 4, surplus)
        one = NodeBuffer(Players(0.05, exponential(1200)), fixed(480), 1, surplus)
        more.append(4 * nodes.nodes(8) / one.nodes(8))
    assert more == sorted(more, reverse=True)


@pytest.mark.parametrize("rate", [0.02, 0.2])
def test_rises_by_ages_are_those_of_memoryless_sessions_if_they_are(rate: float) -> None:
    players = Players(rate, exponential(1200))
    rises = Rises(players, 900)
    for after in (60, 480):
        exact = players.growth(rises.memoryless, players.gone_after(after), after, 20)
        assert players.growth(*rises.by_ages(after), after, 20) == pytest.approx(exact, rel=0.02)


def test_rises_of_sessions_of_one_length_go_on_as_played() -> None:
    """Players who come and go by themselves, looked at when there are more than there were in long, and later."""
    rate, seconds, after, number = 0.02, 900, 480, 200_000
    players = Players(rate, fixed(1800))
    come = np.sort(np.random.default_rng(1).random(number) * number / rate)
    gone = come + 1800
    there = np.arange(1, number + 1) - np.searchsorted(gone, come)
    first = np.searchsorted(come, come - seconds)
    at_first = first - np.searchsorted(gone, come - seconds)
    chosen = range(1000, number - 1000)
    rises = [i for i in chosen if there[i] > max(at_first[i], there[first[i] : i].max(initial=0))]
    later = come[rises] + after
    grown = np.searchsorted(come, later) - np.searchsorted(gone, later) - there[rises]
    expected = players.growth(*Rises(players, seconds).starts(after), after, 20)
    without_memory = players.growth(Rises(players, seconds).memoryless, players.gone_after(after), after, 20)
    for least in (3, 6):
        played = rate * np.count_nonzero(grown >= least) / len(chosen)
        assert expected[least:].sum() == pytest.approx(played, rel=0.05)
        assert without_memory[least:].sum() < 0.8 * played


def test_growth_over_a_time_is_that_of_an_infinite_server_queue() -> None:
    """Of players who were there some leave, and Poisson many came and stayed: summed up by hand for a small case."""
    players = Players(0.02, exponential(500))
    starts = np.zeros(players.most + 1)
    starts[7] = 1.0
    stay = math.exp(-200 / 500)
    grown = players.growth(starts, 1 - stay, 200, 5)
    come = 10 * (1 - stay)
    for growth in range(6):
        by_hand = sum(stats.binom.pmf(left, 7, 1 - stay) * stats.poisson.pmf(growth + left, come) for left in range(8))
        assert grown[growth] == pytest.approx(by_hand, rel=1e-4)


def test_time_below_a_mark_agrees_with_the_chain_s_own_equations() -> None:
    from scipy.linalg import expm

    players, seconds = Players(0.02, exponential(500)), 900.0
    stay, spent = players.below(seconds)
    for mark in (3, 10, 15):
        up, down = np.full(mark, 0.02), np.arange(mark) / 500
        chain = np.diag(-(up + down)) + np.diag(up[:-1], 1) + np.diag(down[1:], -1)
        alive = expm(chain * seconds)[mark - 1].sum()
        assert stay[mark] == pytest.approx(alive, rel=1e-6)
        assert spent[mark] == pytest.approx(
            (np.linalg.inv(chain) @ (expm(chain * seconds) - np.eye(mark)))[mark - 1].sum()
        )


def test_a_node_buffer_of_everything_leaves_the_instance_buffer_s_own_waits() -> None:
    nodes = NodeBuffer(Players(0.05, exponential(600)), fixed(480), 1, 900)
    layers = Layers(0.05, fixed(60), nodes, 60)
    assert layers.promise(5).chance_of_waiting == pytest.approx(
        base_stock.promise(5, 0.05, 60).chance_of_waiting, rel=1e-6
    )
    assert layers.buffer_for(0.99) == base_stock.buffer_for(0.99, 0.05, 60)


def test_who_has_waited_leaves_later_which_makes_others_wait() -> None:
    """The more the more sessions end while slots are lacking: none of those that outlast that, nor of slots' plenty."""

    def more(session: Duration, free: int = 2) -> float:
        layers = Layers(0.05, fixed(60), NodeBuffer(Players(0.05, session), fixed(480), 1, 900), free)
        by_themselves = np.clip(np.arange(len(layers._ordered(None))) - 6, 0, None) @ layers._ordered(None)
        return layers.promise(6).waiting / float(by_themselves)

    assert more(exponential(600)) > more(exponential(1800)) > 1.01
    assert more(exponential(1800)) > more(lognormal(1800, 0.5)) > more(fixed(1800)) == 1
    assert more(exponential(600), free=60) == pytest.approx(1, abs=1e-4)


def test_applications_of_one_pool_share_what_is_missing() -> None:
    nodes = NodeBuffer(Players(0.05, exponential(600)), fixed(480), 1, 900)
    shares = [Layers(rate, fixed(60), nodes, 2).promise(4).waiting for rate in (0.01, 0.02, 0.05)]
    assert shares == sorted(shares)


def test_erlang_s_formulas_by_tables() -> None:
    assert erlang_b(10, 5) == pytest.approx(0.018385, rel=1e-4)
    assert erlang_c(10, 8) == pytest.approx(0.409180, rel=1e-4)
    assert mean_wait(10, 8 / 600, 600) == pytest.approx(0.409180 * 600 / 2, rel=1e-4)


def test_more_players_than_the_pool_can_ever_serve_are_refused() -> None:
    with pytest.raises(OverloadedError, match="raise its largest size"):
        CappedBuffer(0.02, 1200, 300, 30, 30)


def test_a_pool_that_is_all_buffer_is_erlang_s_queue_of_starts_and_sessions() -> None:
    """Every slot that is not in a session starts or is warm: a slot serves for a session and a start."""
    found = CappedBuffer(0.02, 1200, 1e-3, 30, 30).promise()
    assert found.chance_of_waiting == pytest.approx(erlang_c(30, 24), rel=1e-4)
    assert found.mean_wait == pytest.approx(mean_wait(30, 0.02, 1200), rel=2e-3)


def test_far_from_the_cap_a_capped_buffer_is_a_buffer() -> None:
    found = CappedBuffer(0.02, 600, 60, 60, 4).promise()
    assert found.chance_of_waiting == pytest.approx(base_stock.promise(4, 0.02, 60).chance_of_waiting, rel=1e-4)


def demand(**changes: object) -> dict[str, object]:
    day = [6 + 54 * (8 <= hour % 24 < 20) for hour in range(168)]
    application = {"arrivals_per_hour": day, "start_seconds": 60, "session_seconds": {"mean": 1500, "memoryless": True}}
    return {"node_seconds": 480, "applications": {"a": {**application, **changes}}}


def planner(levels: float = 0.99, **changes: object) -> Planner:
    return Planner(of_mapping(demand(**changes)), Pool(2, 2, 1, 48, 2.0), {"a": levels})


def test_proposed_buffers_keep_the_service_level_and_one_instance_less_does_not() -> None:
    its = planner()
    for hour in (3, 8, 12, 22):
        sizes = its.propose(hour)
        assert its.evaluate(hour, sizes).promised["a"].chance_of_waiting <= 0.01
        less = Sizes({"a": sizes.instances["a"] - 1}, 0)
        assert its.evaluate(hour, less).promised["a"].chance_of_waiting > 0.01


def test_one_application_is_served_best_by_warm_instances_and_many_share_free_slots() -> None:
    assert planner().propose(12).slots == 0
    each = {"arrivals_per_hour": 3, "start_seconds": 20, "session_seconds": {"mean": 1500, "memoryless": True}}
    many = of_mapping({"node_seconds": 600, "applications": {f"a{n}": each for n in range(12)}})
    shared = Planner(many, Pool(1, 1, 0, 200, 2.0), {f"a{n}": 0.95 for n in range(12)}).propose(0)
    assert shared.slots > 0


def test_the_hour_in_which_players_become_more_gets_free_slots() -> None:
    its = planner()
    assert its.propose(8).slots > its.propose(12).slots
    assert its.propose(20).slots == its.propose(3).slots


def test_a_pool_at_its_cap_says_so_and_one_beyond_it_has_no_mean() -> None:
    crowded = Planner(of_mapping(demand(arrivals_per_hour=100)), Pool(1, 1, 0, 46, 2.0), {"a": 0.99})
    hour = crowded.evaluate(0, Sizes({"a": 5}, 0))
    assert hour.capped
    assert hour.promised["a"].chance_of_waiting > 0.3
    beyond = Planner(of_mapping(demand(arrivals_per_hour=120)), Pool(1, 1, 0, 46, 2.0), {"a": 0.99})
    assert beyond.evaluate(0, Sizes({"a": 5}, 0)).promised["a"].overloaded


def test_a_rush_needs_more_since_nobody_gives_a_slot_back() -> None:
    calm, rush = planner(arrivals_per_hour=60), replace(planner(arrivals_per_hour=60), rush=True)
    assert sum(rush.propose(12).instances.values()) + rush.propose(12).slots > calm.propose(12).instances["a"] + 4
    kept = rush.evaluate(12, rush.propose(12)).promised["a"]
    assert kept.chance_of_waiting <= 0.01 < rush.evaluate(12, calm.propose(12)).promised["a"].chance_of_waiting


def test_a_quiet_application_keeps_nothing_and_costs_the_least_nodes() -> None:
    its = planner(arrivals_per_hour=0)
    assert its.propose(0) == Sizes({"a": 0}, 0)
    found = week.proposed(its)
    assert found.worst("a") is None
    assert found.totals.gpu_hours == pytest.approx(24 * 2 * 1)


def test_hours_become_stretches_as_a_schedule_has_them() -> None:
    values = [6 if hour // 24 < 5 and 8 <= hour % 24 < 20 else 2 for hour in range(168)]
    values[5 * 24 + 10] = 4
    assert usual(values) == 2
    assert [(each.when, each.value) for each in stretches(values, 2)] == [
        ("Mon-Fri 08:00-20:00", 6),
        ("Sat 10:00-11:00", 4),
    ]
    assert Stretch((0, 2), 0, 24, 1).when == "Mon,Wed 00:00-24:00"


@pytest.mark.parametrize(
    ("text", "rate"), [("10/s", 10), ("12/h", 12 / 3600), ("1/120s", 1 / 120), ("0.5/min", 0.5 / 60)]
)
def test_rates_are_read(text: str, rate: float) -> None:
    assert rate_of(text) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("command", "given", "message"),
    [
        ("plan", "--arrivals 1/0s", "--arrivals is '1/0s': use players by time, above 0"),
        ("plan", "--arrivals 0/h --session 60", "--arrivals is '0/h'"),
        ("plan", "--session 0", "--session is 0.0: use a number above 0"),
        ("plan", "--provisioning -5", "--provisioning is -5.0: use a number from 0 on"),
        ("plan", "--stack local --session inf", "--session is inf"),
        ("plan", "--stack local --start -1", "--start is -1.0: use a number from 0 on"),
        ("plan", "--stack local --slots 0", "--slots is 0: use a number above 0"),
        ("simulate", "--stack local --days -1", "--days is -1.0: use a number above 0"),
        ("simulate", "--stack local --crash-hours 0", "--crash-hours is 0.0: use a number above 0"),
        ("simulate", "--stack local --outage 5-3", "--outage is '5-3': use hours from the start"),
        ("learn", "--stack local --timezone Mars/X", "--timezone is 'Mars/X': no such zone; use a name such as Europe"),
        ("learn", "--stack local --caution 1", "--caution is 1.0: use a chance between 0 and 1"),
        ("learn", "--stack local --weeks 0", "--weeks is 0.0: use a number above 0"),
    ],
)
def test_a_flag_that_cannot_be_used_is_named_with_what_to_use(
    command: str, given: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = ["--arrivals", "12/h", "--provisioning", "480"] if command != "learn" else []
    more = ["--start", "60", "--session", "600"] if "--stack" in given and command != "learn" else []
    arguments = ["capacity", command, *usual, *more, *given.split(), "--stacks-folder", str(CHECKOUT / "stacks")]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as end:
        main()
    assert message in str(end.value.code)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arrivals_per_hour": [1, 2]}, "arrivals_per_hour has 2 numbers"),
        ({"arrivals_per_hour": -1}, "none below 0"),
        ({"arrivals_per_hour": math.nan}, "none below 0"),
        ({"session_seconds": 0}, "session_seconds is 0: sessions take some time"),
        ({"start_seconds": "soon"}, "start_seconds is 'soon': no duration"),
        ({"session_seconds": {"mean": 5}}, "session_seconds is .* use seconds"),
    ],
)
def test_a_demand_that_cannot_be_used_says_why(changes: dict[str, object], message: str) -> None:
    with pytest.raises(DemandError, match=message):
        of_mapping(demand(**changes))


def capacity(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "capacity", *arguments], cwd=CHECKOUT, check=False, capture_output=True, text=True
    )


def test_the_command_plans_a_stack_and_needs_to_know_its_players() -> None:
    given = ["--arrivals", "30/h", "--provisioning", "480", "--start", "60", "--session", "1500"]
    found = capacity("plan", "--stack", "production-us-ashburn-1", *given, "--json")
    assert found.returncode == 0, found.stderr
    (plan,) = json.loads(found.stdout)
    assert plan["region"] == "us-ashburn-1"
    assert plan["slots_per_node"] == 2
    assert plan["present"]["money"] == pytest.approx(2 * plan["present"]["gpu_hours"])
    worst = max(hour["promised"]["showroom"]["chance_of_waiting"] for hour in plan["proposed"]["hours"])
    assert worst <= 0.01
    refused = capacity("plan", "--stack", "production-us-ashburn-1")
    assert refused.returncode == 1
    assert "nothing is known of the players" in refused.stderr
    assert "Traceback" not in refused.stderr
