"""Two matchmakers on one cluster, each with its own late view of it: no instance is ever given to two players."""

import asyncio
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from signalling.kubernetes.api import Changed, ClaimRefused
from signalling.kubernetes.instances import instance_of
from signalling.matchmaker.allocation import claim
from signalling.matchmaker.matching import Match, Matching, Share
from tests.unit.signalling.memory_cluster import MemoryCluster, pod


def finish(coroutine: Any) -> Any:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waited")


class Matchmaker:
    """The decisions of a matchmaker, with its claims and its watch's events carried out when a test says so."""

    def __init__(self, cluster: MemoryCluster, name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.matching = Matching(["demo"], Random(0))
        self.matching.share({"demo": [Share("v1", 3), Share("v2", 1)]})
        self.events: asyncio.Queue[Any] = cluster.listener()
        self.pending: list[Match] = []
        self.sessions: dict[str, str] = {}
        self.players = 0

    def join(self) -> None:
        self.players += 1
        self.pending += self.matching.join("demo", f"{self.name}{self.players}")

    def see(self) -> None:
        if self.events.empty():
            return
        _, event = self.events.get_nowait()
        instance = instance_of(event.item)
        assert instance is not None
        if isinstance(event, Changed):
            self.pending += self.matching.changed(instance)
        else:
            self.matching.removed(instance.name)

    def carry_out(self, index: int, *, lose_answer: bool = False) -> None:
        if not self.pending:
            return
        match = self.pending.pop(index % len(self.pending))
        try:
            claimed = finish(claim(self.cluster, match.instance, match.session))
        except ClaimRefused:
            self.pending += self.matching.rejoin("demo", match.session)
            self.pending += self.matching.refused(match.instance)
            return
        if lose_answer:
            # The patch was carried out and the connection broke: the player waits on, the instance is stranded.
            self.pending += self.matching.rejoin("demo", match.session)
            self.pending += self.matching.unclear(match.instance)
            return
        self.sessions[match.session] = claimed.name


STEPS = st.lists(
    st.tuples(st.sampled_from(["join", "see", "claim", "lose", "add", "end"]), st.booleans(), st.integers(0, 5)),
    max_size=80,
)


@settings(max_examples=1000, deadline=None)
@given(STEPS)
def test_no_interleaving_gives_an_instance_to_two_players(steps):
    cluster = MemoryCluster()
    pair = (Matchmaker(cluster, "a"), Matchmaker(cluster, "b"))
    added = 0
    for step, which, number in steps:
        it = pair[which]
        match step:
            case "join":
                it.join()
            case "see":
                it.see()
            case "claim":
                it.carry_out(number)
            case "lose":
                it.carry_out(number, lose_answer=True)
            case "add":
                added += 1
                cluster.put(pod(f"demo-{added}", version="v2" if number % 2 else "v1"))
            case "end" if cluster.pods:
                cluster.remove(sorted(cluster.pods)[number % len(cluster.pods)])
        check(cluster, pair)
    while any(it.pending or not it.events.empty() for it in pair):
        for it in pair:
            it.see()
            it.carry_out(0)
    check(cluster, pair)
    idle = [name for name, thing in cluster.pods.items() if thing["metadata"]["labels"]["app.pixel/pool"] == "idle"]
    assert not (idle and any(it.matching.waiting("demo") for it in pair)), "a player waits beside an idle instance"


def check(cluster: MemoryCluster, pair: tuple[Matchmaker, Matchmaker]) -> None:
    claimed = [name for name, _ in cluster.claims]
    assert len(claimed) == len(set(claimed)), "claimed twice"
    used = [name for it in pair for name in it.sessions.values()]
    assert len(used) == len(set(used)), "two players on one instance"
    for it in pair:
        for session, name in it.sessions.items():
            assert (name, session) in cluster.claims
