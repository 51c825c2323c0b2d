"""What the matchmaker counts: instances by state, how sessions ended, and the TURN nodes of each session."""

from datetime import UTC, datetime

import pytest
from prometheus_client import generate_latest

from signalling.kubernetes.instances import STARTED_ANNOTATION, Instance, Pool
from signalling.matchmaker.matching import Share
from signalling.matchmaker.metrics import MatchmakerMetrics, lasted, state_of
from signalling.matchmaker.outcomes import Outcome
from tests.unit.signalling.clients import eventually
from tests.unit.signalling.memory_cluster import Object, node, pod
from tests.unit.signalling.stage import stream


def instance(pool: Pool, ready: bool, going: bool) -> Instance:
    return Instance("a", "demo", "v1", pool, "10.0.0.1", ready, going, "1", annotated=True)


@pytest.mark.parametrize(
    ("pool", "ready", "going", "state"),
    [
        (Pool.IDLE, True, False, "idle"),
        (Pool.IDLE, False, False, "starting"),
        (Pool.SESSION, True, False, "session"),
        (Pool.SESSION, False, False, "session"),
        (Pool.IDLE, True, True, "ending"),
        (Pool.SESSION, True, True, "ending"),
        (Pool.ENDED, True, False, "ending"),
    ],
)
def test_an_instance_is_in_one_state(pool, ready, going, state):
    assert state_of(instance(pool, ready, going)) == state


@pytest.mark.parametrize(
    ("started", "seconds"),
    [
        ("2026-01-01T00:00:00.500+00:00", 89.5),
        ("2026-01-01T02:00:00+02:00", 90.0),
        ("2026-01-01T00:02:00Z", 0.0),
        ("2026-01-01T00:00:00", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_a_session_has_lasted_since_its_pod_says(started, seconds):
    its = Instance("a", "demo", "v1", Pool.SESSION, "10.0.0.1", True, False, "1", annotated=True, started=started)
    assert lasted(its, datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)) == seconds


class Nothing:
    """A replica of which there is nothing to see."""

    def players(self) -> int:
        return 0

    def waiting(self, application: str) -> int:
        return 0

    def idle(self, application: str) -> int:
        return 0

    def instances(self) -> list[Instance]:
        return []

    def shared_ratio(self, application: str) -> float | None:
        return None

    def turn_nodes(self) -> int:
        return 0

    def session_turn(self) -> list[tuple[str, str]]:
        return []

    def replicas(self) -> int:
        return 1

    def store_available(self) -> bool:
        return True

    def store_failures(self) -> int:
        return 0


def test_what_can_be_counted_is_there_before_it_happens():
    metrics = MatchmakerMetrics(["demo"], Nothing())
    metrics.expect({"demo": [Share("v1", 100)]})
    text = generate_latest(metrics.registry).decode()
    for outcome in Outcome:
        assert f'pixel_sessions_ended_total{{application="demo",outcome="{outcome.value}",version="v1"}} 0.0' in text
    for line in (
        'pixel_players_refused_total{why="full"} 0.0',
        'pixel_claims_total{outcome="claimed"} 0.0',
        'pixel_instances_deleted_total{why="stranded"} 0.0',
        "pixel_instances_recycled_total 0.0",
        'pixel_sessions_bad_total{application="demo",version="v1"} 0.0',
        "pixel_store_available 1.0",
        "pixel_store_failures_total 0.0",
        'pixel_queue_wait_seconds_count{application="demo"} 0.0',
        'pixel_players_joined_total{application="demo"} 0.0',
        'pixel_session_seconds_count{application="demo"} 0.0',
        'pixel_instance_start_seconds_count{application="demo"} 0.0',
    ):
        assert line in text.splitlines()


async def shows(stage, line: str) -> bool:
    return line in (await stage.ask("/metrics"))[1].splitlines()


async def test_a_session_s_metrics_name_its_version_its_outcome_and_its_turn_node(stage):
    await stage.matchmaker()
    stage.cluster.put(node("turn-2", {"InternalIP": "10.0.30.5"}, cordoned=True))
    unreal = await stage.instance("demo-1")
    await eventually(lambda: stage.matchmakers[0].replica.idle("demo") == 1, "an idle instance")
    assert await shows(stage, 'pixel_instances{application="demo",state="idle",version="v1"} 1.0')
    player = await stage.player()
    await stream(player, unreal)
    session = stage.labels("demo-1")["app.pixel/session"]
    assert await shows(stage, 'pixel_instances{application="demo",state="session",version="v1"} 1.0')
    assert await shows(stage, f'pixel_session_turn{{node="turn-1",session="{session}"}} 1.0')
    await player.socket.close()
    await stage.gone("demo-1")
    await unreal.expect("playerDisconnected")
    text = (await stage.ask("/metrics"))[1]
    assert "pixel_session_turn{" not in text
    assert 'pixel_sessions_ended_total{application="demo",outcome="completed",version="v1"} 1.0' in text
    assert 'pixel_session_seconds_count{application="demo"} 1.0' in text


@pytest.mark.parametrize(("frames", "bad"), [(4, "1.0"), (30, "0.0")])
async def test_a_session_of_few_frames_is_a_bad_one_of_its_version(stage, frames, bad):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player = await stage.opted()
    await stream(player, unreal)
    for _ in range(12):
        await player.say("sessionStats", framesPerSecond=frames)
    await player.say("sessionEnd")
    await stage.gone("demo-1")
    assert await shows(stage, 'pixel_sessions_ended_total{application="demo",outcome="completed",version="v1"} 1.0')
    assert await shows(stage, f'pixel_sessions_bad_total{{application="demo",version="v1"}} {bad}')


async def test_instances_that_cannot_be_reached_are_failures_of_their_version(stage):
    await stage.matchmaker(connect_seconds=0.3)
    await stage.instance("demo-1")
    await stage.sidecars.pop("demo-1").stop()
    player = await stage.player()
    await stage.gone("demo-1")
    assert await shows(stage, 'pixel_sessions_ended_total{application="demo",outcome="unreachable",version="v1"} 1.0')
    assert await shows(stage, 'pixel_session_seconds_count{application="demo"} 0.0'), "its player waits on"
    await player.socket.close()


async def test_a_session_lasts_from_the_claim_of_its_instance(stage):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player = await stage.player()
    await stream(player, unreal)
    thing = stage.cluster.pods["demo-1"]
    thing["metadata"]["annotations"][STARTED_ANNOTATION] = "2026-01-01T00:00:00.000+00:00"
    stage.cluster.put(thing)
    await player.socket.close()
    await stage.gone("demo-1")
    assert await shows(stage, 'pixel_session_seconds_bucket{application="demo",le="28800.0"} 0.0')
    assert await shows(stage, 'pixel_session_seconds_count{application="demo"} 1.0')


async def test_a_player_has_come_once_however_often_it_connects(stage):
    await stage.matchmaker()
    first = await stage.player()
    joined = 'pixel_players_joined_total{application="demo"} %d.0'
    await eventually(lambda: stage.matchmakers[0].replica.waiting("demo") == 1, "a player that waits")
    assert await shows(stage, joined % 1)
    cookie = {"Cookie": f"pixel_session={first.cookie}"}
    await first.socket.close()
    await eventually(lambda: stage.matchmakers[0].replica.waiting("demo") == 0, "nobody")
    again = await stage.player(headers=cookie)
    await eventually(lambda: stage.matchmakers[0].replica.waiting("demo") == 1, "the player, again")
    assert await shows(stage, joined % 1)
    other = await stage.player()
    await eventually(lambda: stage.matchmakers[0].replica.waiting("demo") == 2, "another")
    assert await shows(stage, joined % 2)
    for each in (again, other):
        await each.socket.close()


def started(name: str, *, ready: bool, at: str = "2026-01-01T00:00:52Z") -> Object:
    thing = pod(name, ready=ready)
    thing["status"]["conditions"][0]["lastTransitionTime"] = at
    thing["status"]["conditions"] += [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:10Z"}
    ]
    return thing


async def test_an_instance_s_start_is_counted_once_by_one_replica(stage):
    stage.cluster.put(started("there-before", ready=True))
    first, second = await stage.matchmaker(), await stage.matchmaker()
    await eventually(lambda: first.replica.replicas() == second.replica.replicas() == 2, "that they know each other")
    for number in range(8):
        stage.cluster.put(started(f"demo-{number}", ready=False))
        stage.cluster.put(started(f"demo-{number}", ready=True))
    # One loses its readiness, and gets it again an hour later.
    stage.cluster.put(started("demo-0", ready=False))
    stage.cluster.put(started("demo-0", ready=True, at="2026-01-01T01:00:00Z"))
    for it in (first, second):
        await eventually(lambda it=it: it.replica.idle("demo") == 9, "all instances")

    def told(metric: str) -> float:
        found = [
            it.replica.metrics.registry.get_sample_value(metric, {"application": "demo"}) for it in (first, second)
        ]
        return sum(value or 0.0 for value in found)

    assert told("pixel_instance_start_seconds_count") == 8
    assert told("pixel_instance_start_seconds_sum") == 8 * 42
