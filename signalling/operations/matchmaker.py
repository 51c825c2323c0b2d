"""The service that the session API operates: one replica of the matchmaker, which knows of all."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from lightkube.resources.core_v1 import Node

from signalling.kubernetes.api import ClusterApi
from signalling.kubernetes.fleets import Fleet
from signalling.kubernetes.instances import GPU_VENDOR, Instance, Pool
from signalling.kubernetes.nodes import TURN_LABEL, turn_address
from signalling.matchmaker.control import Drained
from signalling.matchmaker.replica import Replica
from signalling.matchmaker.seats import seats_of
from signalling.matchmaker.sidecars import Participant
from signalling.operations import definitions as d
from signalling.operations.problems import Absent, Away, InTheWay
from signalling.operations.statuses import Statuses
from signalling.protocol.session_messages import Reason
from signalling.regions.peers import Peers
from signalling.store.interface import Place, StoreUnavailable

LOG: Final = logging.getLogger("operations")
MOST_WAITING: Final = 1000
"""Of each application's queue that a list of sessions shows."""
NODES_SECONDS: Final = 5.0
"""How old the list of nodes may be."""
POOLS: Final[Mapping[str, str]] = {
    "app.pixel/default": "default",
    TURN_LABEL: "turn",
    "app.pixel/gpu": "gpu",
}
SHAPE: Final = "node.kubernetes.io/instance-type"


class MatchmakerService:
    """See Service."""

    def __init__(
        self,
        replica: Replica,
        api: ClusterApi,
        applications: Sequence[str],
        controlled: Collection[str],
        *,
        region: str = "",
        peers: Peers | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``controlled`` are the applications whose buffers a fleet controller keeps."""
        self.region: Final = region
        self._replica: Final = replica
        self._control: Final = replica.control
        self._api: Final = api
        self._applications: Final = applications
        self._controlled: Final = controlled
        self._peers: Final = peers
        self._clock: Final = clock
        self._statuses: Final = Statuses(self._control.status, clock)
        self._nodes: tuple[float, Sequence[Node]] | None = None
        self._listing: Final = asyncio.Lock()

    async def sessions(self) -> Sequence[d.Session]:
        """See Service."""
        waiting = await asyncio.gather(*(self._waiting(name) for name in self._applications))
        shared = (_session(seat) for seat in await self._seats())
        alone = {session.id: session for instance in self._control.instances if (session := _session(instance))}
        seated = alone | {session.id: session for session in shared if session is not None}
        # Somebody is out of the queue before every replica has heard of the claim, and in it for a moment after.
        queued = (session for sessions in waiting for session in sessions if session.id not in seated)
        return [*seated.values(), *queued]

    async def _waiting(self, application: str) -> list[d.Session]:
        places = await self._places(application, MOST_WAITING)
        return [
            d.Session(
                id=place.session,
                application=application,
                state=d.SessionState.QUEUED,
                priority=place.priority,
                joined=_milliseconds(place.joined),
                position=at,
            )
            for at, place in enumerate(places, 1)
        ]

    async def _places(self, application: str, limit: int) -> Sequence[Place]:
        try:
            return await self._control.queue(application, limit)
        except StoreUnavailable as error:
            raise Away("the store that holds the queue does not answer") from error

    async def _seats(self) -> Sequence[Instance]:
        """Those of all sessions that share instances."""
        its = [each for each in self._control.instances if each.address is not None and self._control.shares(each)]
        return [seat for seats in await asyncio.gather(*map(self._seats_on, its)) for seat in seats]

    async def _seats_on(self, instance: Instance) -> Iterable[Instance]:
        status = await self._statuses.of(instance)
        # What this replica has heard is better than nothing.
        return (self._replica.seats.of(instance.name) if status is None else seats_of(instance, status)).values()

    async def players(self, session: d.Session) -> tuple[d.Player, ...] | None:
        """See Service."""
        instance = self._replica.inventory.get(session.instance or "")
        if instance is None or not (self._control.shares(instance) or self._instance(session.id) is instance):
            return None
        status = await self._statuses.of(instance)
        if status is None or status.over:
            return None
        return tuple(_player(each) for each in status.participants if each.session == session.id)

    async def end(self, session: str, reason: Reason, seconds: float) -> float:
        """See Service."""
        instance = self._instance(session)
        seat = next((each for each in await self._seats() if each.session == session), None)
        if seat is not None and await self._control.end_on(seat, session, reason, seconds):
            return seconds
        candidates = self._applications if instance is None else (instance.application,)
        try:
            for application in candidates:
                warning = await self._control.end(application, session, reason, seconds)
                if warning is not None:
                    return warning
        except StoreUnavailable as error:
            raise Away("the store that holds the queue does not answer") from error
        if instance is not None and await self._control.over(instance):
            raise Absent("session")
        if instance is not None or (seat is not None and await self._control.status(seat) is None):
            raise Away("the session's instance does not answer, or is about to begin it")
        raise Absent("session")

    async def dismiss(self, session: str, reason: Reason) -> None:
        """See Service."""
        try:
            for application in self._applications:
                if await self._control.begun(application, session):
                    raise InTheWay("the session has begun, and waits no more")
                if await self._control.dismiss(application, session, reason):
                    return
        except StoreUnavailable as error:
            raise Away("the store that holds the queue does not answer") from error
        if any(seat.session == session for seat in await self._seats()):
            raise InTheWay("the session has begun, and waits no more")
        raise Absent("session")

    async def instances(self) -> Sequence[d.Instance]:
        """See Service."""
        return [_instance(instance) for instance in self._control.instances]

    async def drain_instance(self, instance: str, seconds: float) -> float:
        """See Service."""
        drained = await _in_kubernetes(self._control.drain_instance(instance, seconds))
        match drained:
            case Drained.ABSENT:
                raise Absent("instance")
            case Drained.UNWARNED:
                raise Away("it gets no session any more, but its own could not be told to end")
        return seconds if drained is Drained.WARNED else 0.0

    async def applications(self) -> Sequence[d.Application]:
        """See Service."""
        sessions = Counter((each.application, each.version) for each in await self._seated() if not each.going)
        return [await self._application(name, sessions) for name in self._applications]

    async def _seated(self) -> list[Instance]:
        """An instance for each session that has one: as often as there are sessions that share it."""
        alone = (each for each in self._control.instances if each.pool is Pool.SESSION)
        return [*alone, *await self._seats()]

    async def _application(self, name: str, sessions: Mapping[tuple[str, str], int]) -> d.Application:
        try:
            waiting = await self._control.waiting(name)
        except StoreUnavailable:
            # What this replica knows is better than nothing of the fleets.
            waiting = self._replica.waiting(name)
        its = [fleet for fleet in self._control.fleets if fleet.application == name]
        states = Counter((each.version, _state(each)) for each in self._control.instances if each.application == name)
        fleets = tuple(
            _fleet(fleet, self._target(fleet), states, sessions.get((name, fleet.version), 0))
            for fleet in sorted(its, key=lambda fleet: fleet.name)
        )
        return d.Application(name=name, paused=self._control.paused(name), waiting=waiting, fleets=fleets)

    async def pause(self, application: str, *, paused: bool) -> None:
        """See Service."""
        if application not in self._applications:
            raise Absent("application")
        if not await _in_kubernetes(self._control.pause(application, paused=paused)):
            raise InTheWay("the application has no fleet: nobody gets in as it is")

    async def drain_version(self, application: str, version: str, *, drained: bool) -> None:
        """See Service."""
        if not await _in_kubernetes(self._control.drain_version(application, version, drained=drained)):
            raise Absent("version")

    async def set_buffer(self, application: str, version: str, instances: int | None) -> None:
        """See Service."""
        its = [each for each in self._control.fleets if (each.application, each.version) == (application, version)]
        if its and instances is not None and all(self._target(fleet) is None for fleet in its):
            raise InTheWay("no fleet controller keeps this version's buffer: the stack file says how large it is")
        if not await _in_kubernetes(self._control.set_buffer(application, version, instances)):
            raise Absent("version")

    def _target(self, fleet: Fleet) -> int | None:
        """What the fleet controller keeps; what one that is no more has written on a fleet does not count."""
        return fleet.buffer_target if fleet.application in self._controlled else None

    async def queue(self, application: str, limit: int) -> d.Queue:
        """See Service."""
        if application not in self._applications:
            raise Absent("application")
        places = await self._places(application, limit)
        try:
            waiting = await self._control.waiting(application)
        except StoreUnavailable as error:
            raise Away("the store that holds the queue does not answer") from error
        items = tuple(
            d.Waiting(
                session=place.session,
                position=at,
                priority=place.priority,
                joined=_milliseconds(place.joined),
                estimate_seconds=self._replica.estimate(application, at),
            )
            for at, place in enumerate(places, 1)
        )
        return d.Queue(application=application, waiting=max(waiting, len(items)), items=items)

    async def nodes(self) -> Sequence[d.Node]:
        """See Service."""
        here = Counter(each.node for each in self._control.instances)
        busy = Counter(each.node for each in await self._seated())
        return [_node(node, here, busy) for node in await self._listed()]

    async def turn_nodes(self) -> Sequence[d.TurnNode]:
        """See Service."""
        listed = [node for node in await self._listed() if "turn" in _pools(node)]
        return [
            d.TurnNode(name=_name(node), address=turn_address(node), offered=turn_address(node) is not None)
            for node in listed
        ]

    async def _listed(self) -> Sequence[Node]:
        """The nodes, asked for once however many want to know."""
        async with self._listing:
            if self._nodes is None or self._clock() - self._nodes[0] > NODES_SECONDS:
                self._nodes = (self._clock(), await _in_kubernetes(self._api.list_nodes()))
            return self._nodes[1]

    async def regions(self) -> Sequence[d.RegionRoom]:
        """See Service."""
        if self._peers is None:
            return ()
        now = self._clock()
        rooms = [(peer, self._peers.rooms.of(peer.name, now)) for peer in self._peers.rooms.peers]
        return [
            d.RegionRoom(name=peer.name, url=peer.url, reachable=room is not None, room=dict(room or {}))
            for peer, room in rooms
        ]

    def _instance(self, session: str) -> Instance | None:
        found = self._replica.inventory.of_session(session)
        return found if found is not None and found.pool is Pool.SESSION and not found.going else None


async def _in_kubernetes(work: Any) -> Any:  # noqa: ANN401 - what it is given
    try:
        return await work
    except Exception as error:  # Whatever the client raises.
        LOG.warning("not done in Kubernetes", extra={"error": repr(error)[:300]})
        raise Away("the Kubernetes API does not answer, or refuses") from error


def _session(instance: Instance) -> d.Session | None:
    if instance.session is None or instance.pool is not Pool.SESSION:
        return None
    return d.Session(
        id=instance.session,
        application=instance.application,
        state=d.SessionState.ENDING if instance.going else d.SessionState.RUNNING,
        subject=instance.subject or "",
        version=instance.version,
        instance=instance.name,
        node=instance.node,
        gpu=instance.gpu,
        started=_iso(instance.started),
    )


def _instance(instance: Instance) -> d.Instance:
    return d.Instance(
        name=instance.name,
        application=instance.application,
        version=instance.version,
        state=_state(instance),
        node=instance.node,
        gpu=instance.gpu,
        address=instance.address,
        session=instance.session,
        started=_iso(instance.started),
        players=instance.players or None,
    )


def _state(instance: Instance) -> d.InstanceState:
    if instance.going or instance.pool is Pool.ENDED:
        return d.InstanceState.ENDING
    if instance.draining:
        return d.InstanceState.DRAINING
    if instance.pool is Pool.SESSION:
        return d.InstanceState.SESSION
    return d.InstanceState.IDLE if instance.usable else d.InstanceState.STARTING


def _fleet(
    fleet: Fleet, target: int | None, states: Mapping[tuple[str, d.InstanceState], int], sessions: int
) -> d.Fleet:
    def number(state: d.InstanceState) -> int:
        return states.get((fleet.version, state), 0)

    return d.Fleet(
        name=fleet.name,
        version=fleet.version,
        weight=fleet.weight,
        drained=fleet.drained,
        rolled_back=fleet.rolled_back,
        buffer=fleet.buffer,
        target=target,
        override=fleet.buffer_override,
        starting=number(d.InstanceState.STARTING),
        idle=number(d.InstanceState.IDLE),
        sessions=sessions,
    )


def _player(participant: Participant) -> d.Player:
    since = participant.since
    return d.Player(
        player=participant.player,
        role=participant.role,
        connected=participant.connected,
        since=datetime.fromtimestamp(since, UTC) if isinstance(since, int | float) else _iso(since),
        stats=participant.stats if isinstance(participant.stats, dict) else None,
    )


def _node(node: Node, here: Mapping[str | None, int], busy: Mapping[str | None, int]) -> d.Node:
    conditions = (node.status.conditions if node.status else None) or []
    room = (node.status.allocatable if node.status else None) or {}
    info = node.status.nodeInfo if node.status else None
    name = _name(node)
    return d.Node(
        name=name,
        pools=_pools(node),
        ready=any(condition.type == "Ready" and condition.status == "True" for condition in conditions),
        schedulable=not (node.spec is not None and node.spec.unschedulable),
        shape=((node.metadata.labels if node.metadata else None) or {}).get(SHAPE, ""),
        gpus=sum(int(number) for name, number in room.items() if name.startswith(GPU_VENDOR)),
        instances=here.get(name, 0),
        sessions=busy.get(name, 0),
        kubelet=info.kubeletVersion if info else "",
        created=node.metadata.creationTimestamp if node.metadata else None,
    )


def _pools(node: Node) -> tuple[str, ...]:
    labels = (node.metadata.labels if node.metadata else None) or {}
    return tuple(pool for label, pool in POOLS.items() if labels.get(label) == "true")


def _name(node: Node) -> str:
    return (node.metadata.name if node.metadata else None) or ""


def _iso(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _milliseconds(time_: int) -> datetime:
    return datetime.fromtimestamp(time_ / 1000, UTC)
