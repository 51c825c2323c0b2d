"""Three replicas on one cluster, in every order of events: no instance is ever given to two players.

Each has its own late view of the instances; claims are carried out, refused, or lost on their way back, when the test
says so; replicas die, and the store goes away, comes back, or loses its data.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalling.kubernetes.api import Changed
from signalling.kubernetes.instances import Instance, Pool, instance_of
from signalling.matchmaker import allocation
from signalling.matchmaker.allocation import Allocation
from signalling.matchmaker.inventory import Inventory
from signalling.matchmaker.matching import Share
from signalling.matchmaker.neighbours import Neighbours, Rhythm
from signalling.matchmaker.queues import Keeping, Queues
from signalling.matchmaker.settings import ApplicationSettings
from signalling.matchmaker.sharing import SharedInstances
from signalling.store.in_memory import MemoryStore
from signalling.store.interface import Place, StoreUnavailable
from signalling.tickets.claims import PlayerTicket
from tests.unit.signalling.memory_cluster import MemoryCluster, pod

DEMO = {"demo": ApplicationSettings(name="demo")}
REPLICAS = 3


@pytest.fixture(scope="module", autouse=True)
def no_pauses() -> Iterator[None]:
    """Time does not pass here: what follows a claim without an answer follows at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allocation, "pause", lambda failures, jitter: 0.0)
        logging.getLogger("matchmaker").setLevel(logging.CRITICAL)
        yield
        logging.getLogger("matchmaker").setLevel(logging.NOTSET)


class Faulty:
    """The store, which the test takes away and empties."""

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.away = False

    def __getattr__(self, name: str) -> Any:
        async def ask(*arguments: Any, **more: Any) -> Any:
            if self.away:
                raise StoreUnavailable("away")
            return await getattr(self.inner, name)(*arguments, **more)

        return ask


class Metrics:
    """Counts nothing."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *arguments: Any) -> Any:
        return self


class Fleets:
    shares: ClassVar = {"demo": (Share("v1", 3), Share("v2", 1))}


class Replica:
    """The decisions and claims of a matchmaker; its players are only names."""

    def __init__(self, stage: "Stage", name: str) -> None:
        self.stage = stage
        self.name = name
        self.alive = True
        self.inventory = Inventory()
        self.events: asyncio.Queue[Any] = stage.cluster.listener()
        self.neighbours = Neighbours(stage.store, name, Rhythm(presence=1000.0, patience=0.0, settling=0.0))
        self.queues = Queues(DEMO, stage.store, self.neighbours, Keeping(1000.0, 1000.0, 1000.0))
        self.allocation = Allocation(
            DEMO,
            inventory=self.inventory,
            shared=SharedInstances(self.inventory),
            queues=self.queues,
            fleets=Fleets(),  # type: ignore[arg-type]
            api=stage.cluster,
            metrics=Metrics(),  # type: ignore[arg-type]
            host=self,
            at_once=4,
        )
        self.tickets: dict[str, PlayerTicket] = {}
        self.served: dict[str, str] = {}
        """Sessions whose players are here, and their instances."""

    # Host

    def ticket_of(self, session: str) -> PlayerTicket | None:
        return self.tickets.get(session) if self.alive else None

    def claimed(self, session: str, instance: Instance) -> None:
        if not self.alive or session not in self.tickets:
            return
        claimant = self.queues.leave("demo", session, 1)
        del self.tickets[session]
        self.served[session] = instance.name
        if claimant is not None:
            self.stage.spawn(self.queues.forget("demo", claimant, keep=True))

    def joins(self, session: str, instance: Instance) -> None:
        raise AssertionError("nothing is shared here")

    # Steps

    async def join(self, session: str, joined: int) -> None:
        self.tickets[session] = PlayerTicket(session=session, player=session, app="demo", joined=joined)
        await self.queues.join("demo", Place(session, joined), 1)

    async def leave(self, session: str) -> None:
        self.tickets.pop(session, None)
        claimant = self.queues.leave("demo", session, 1)
        if claimant is not None:
            await self.queues.forget("demo", claimant, keep=False)

    def see(self) -> None:
        if self.events.empty():
            return
        _, event = self.events.get_nowait()
        instance = instance_of(event.item)
        assert instance is not None
        if not isinstance(event, Changed):
            self.inventory.removed(instance.name)
            return
        self.inventory.changed(instance)
        session = instance.session
        waits = session is not None and instance.pool is Pool.SESSION and self.queues.has("demo", session)
        if session is not None and waits and not self.allocation.claiming("demo", session):
            self.claimed(session, instance)

    async def look(self) -> None:
        await self.allocation._pass(DEMO["demo"])

    def answered(self) -> None:
        self.neighbours.health.answered()

    def know(self, live: frozenset[str]) -> None:
        self.neighbours._live = live


class Stage:
    def __init__(self) -> None:
        self.cluster = MemoryCluster()
        self.store: Any = Faulty()
        self.gates: list[tuple[str, asyncio.Future[bool]]] = []
        self.cluster.before = self.gate
        self.tasks: set[asyncio.Task[None]] = set()
        self.replicas = [Replica(self, f"r{number}") for number in range(REPLICAS)]
        self.sessions = 0
        self.pods = 0
        self.meet()

    def spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def meet(self) -> None:
        live = frozenset(it.name for it in self.replicas if it.alive)
        for it in self.replicas:
            it.know(live)

    async def gate(self, operation: str, name: str) -> None:
        """A claim on its way: carried out when the test opens the gate, and its answer lost if it says so."""
        opened: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.gates.append((name, opened))
        await opened

    async def settle(self) -> None:
        """Whatever can go on without a gate does."""
        for _ in range(12):
            await asyncio.sleep(0)

    async def step(self, step: str, which: int, number: int) -> None:
        it = self.replicas[which]
        match step:
            case "join" if it.alive:
                self.sessions += 1
                await it.join(f"s{self.sessions}", number)
            case "leave" if it.tickets:
                await it.leave(sorted(it.tickets)[number % len(it.tickets)])
            case "see":
                it.see()
            case "look" if it.alive:
                await it.look()
            case "claim" if self.gates:
                self.gates.pop(number % len(self.gates))[1].set_result(True)
            case "lose" if self.gates:
                await self.lose(number)
            case "add":
                self.pods += 1
                self.cluster.put(pod(f"i{self.pods}", version="v2" if number % 2 else "v1"))
            case "end" if self.cluster.pods:
                self.cluster.remove(sorted(self.cluster.pods)[number % len(self.cluster.pods)])
            case "die" if sum(each.alive for each in self.replicas) > 1:
                self.die(it)
            case "away":
                self.store.away = True
            case "back":
                await self.back()
            case "empty":
                self.store.inner = MemoryStore()
        await self.settle()

    async def lose(self, number: int) -> None:
        """The API server carries a claim out, and its answer is lost."""
        name, opened = self.gates.pop(number % len(self.gates))
        owners = [it for it in self.replicas if name in it.allocation._claiming["demo"].values()]
        session = next((s for it in owners for s, i in it.allocation._claiming["demo"].items() if i == name), None)
        labels = self.cluster.pods.get(name, {}).get("metadata", {}).get("labels", {})
        if session is not None and labels.get("app.pixel/pool") == "idle":
            changed = {**self.cluster.pods[name]}
            changed["metadata"] = {
                **changed["metadata"],
                "labels": {**labels, "app.pixel/pool": "session", "app.pixel/session": session},
            }
            self.cluster.put(changed)
            self.cluster.claims.append((name, session))
        opened.set_exception(ConnectionResetError("no answer"))

    def die(self, it: Replica) -> None:
        """At once; its players come again elsewhere, with their places."""
        it.alive = False
        self.meet()
        other = next(each for each in self.replicas if each.alive)
        for session, ticket in it.tickets.items():
            self.spawn(other.join(session, ticket.joined))
        it.tickets = {}

    async def back(self) -> None:
        self.store.away = False
        for it in self.replicas:
            it.answered()
            if it.alive:
                await it.queues.renew()

    def check(self) -> None:
        claims = Counter(name for name, _ in self.cluster.claims)
        assert not claims or max(claims.values()) == 1, "claimed twice"
        players = Counter(name for it in self.replicas if it.alive for name in it.served.values())
        assert not players or max(players.values()) == 1, "two players on one instance"
        for it in self.replicas:
            for session, name in it.served.items():
                assert (name, session) in self.cluster.claims, "a player on somebody else's instance"

    async def finish(self) -> None:
        """Everything arrives, all know everything, and everybody looks."""
        await self.back()
        for _ in range(30):
            for gate in self.gates:
                gate[1].set_result(True)
            self.gates.clear()
            await self.settle()
            for it in self.replicas:
                while not it.events.empty():
                    it.see()
                if it.alive:
                    await it.look()
            await self.settle()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["join"] * 4
            + ["look"] * 4
            + ["see"] * 4
            + ["claim"] * 4
            + ["add"] * 3
            + ["lose", "leave", "end", "die", "away", "back", "empty"]
        ),
        st.integers(0, REPLICAS - 1),
        st.integers(0, 5),
    ),
    max_size=60,
)


async def run(steps: list[tuple[str, int, int]]) -> None:
    stage = Stage()
    for step, which, number in steps:
        await stage.step(step, which, number)
        stage.check()
    await stage.finish()
    stage.check()
    idle = [name for name, each in stage.cluster.pods.items() if each["metadata"]["labels"]["app.pixel/pool"] == "idle"]
    waiting = [session for it in stage.replicas if it.alive for session in it.tickets]
    assert not (idle and waiting), "a player waits beside an idle instance"
    for it in stage.replicas:
        await it.allocation.stop(0)
    for task in [*stage.tasks, *(task for it in stage.replicas for task in it.allocation._claims)]:
        task.cancel()
    await asyncio.sleep(0)


@settings(max_examples=1000, deadline=None)
@given(STEPS)
def test_no_interleaving_gives_an_instance_to_two_players(steps):
    asyncio.run(run(steps))


@settings(max_examples=200, deadline=None)
@given(st.permutations(range(8)), st.lists(st.integers(0, REPLICAS - 1), min_size=8, max_size=8))
def test_replicas_that_see_the_same_serve_in_order_and_never_want_the_same(places, holders):
    """The queue's order holds over all replicas: the first of it are served, whoever looks first."""

    async def serve() -> None:
        stage = Stage()
        for number, (joined, holder) in enumerate(zip(places, holders, strict=True)):
            await stage.replicas[holder].join(f"s{number}", joined)
        for _ in range(4):
            await stage.step("add", 0, 0)
        for it in stage.replicas:
            while not it.events.empty():
                it.see()
        for it in reversed(stage.replicas):
            await it.look()
        await stage.settle()
        wanted = [name for name, _ in stage.gates]
        assert len(wanted) == len(set(wanted)) == 4
        await stage.finish()
        served = {session for it in stage.replicas for session in it.served}
        assert served == {f"s{number}" for number, joined in enumerate(places) if joined < 4}

    asyncio.run(serve())
