"""What the matchmaker counts: instances by state, how sessions ended, and the TURN nodes of each session."""

import pytest
from prometheus_client import generate_latest

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.matching import Share
from signalling.matchmaker.metrics import MatchmakerMetrics, state_of
from signalling.matchmaker.outcomes import Outcome, outcome_of
from tests.unit.signalling.clients import eventually
from tests.unit.signalling.memory_cluster import node
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
    ("connected", "left", "outcome"),
    [
        (True, True, Outcome.COMPLETED),
        (False, True, Outcome.ABANDONED),
        (False, False, Outcome.UNREACHABLE),
        (True, False, Outcome.INTERRUPTED),
    ],
)
def test_a_session_has_one_outcome(connected, left, outcome):
    assert outcome_of(connected, left) is outcome


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
        "pixel_store_available 1.0",
        "pixel_store_failures_total 0.0",
        'pixel_queue_wait_seconds_count{application="demo"} 0.0',
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


async def test_instances_that_cannot_be_reached_are_failures_of_their_version(stage):
    await stage.matchmaker(connect_seconds=0.3)
    await stage.instance("demo-1")
    await stage.sidecars.pop("demo-1").stop()
    player = await stage.player()
    await stage.gone("demo-1")
    assert await shows(stage, 'pixel_sessions_ended_total{application="demo",outcome="unreachable",version="v1"} 1.0')
    await player.socket.close()
