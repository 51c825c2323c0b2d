"""One replica's parts, put together: what it watches and hears goes to whom it concerns."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Any, Final

from aiohttp import ClientSession
from lightkube.resources.core_v1 import Pod

from signalling.ice.elsewhere import Elsewhere
from signalling.ice.loads import LoadWatch
from signalling.kubernetes.api import Changed, ClusterApi, Event, Listed
from signalling.kubernetes.instances import Instance, Pool, instance_of
from signalling.matchmaker.admission import Admission
from signalling.matchmaker.allocation import Allocation
from signalling.matchmaker.arrivals import Arrivals, Desk
from signalling.matchmaker.connecting import Connector, Wires
from signalling.matchmaker.connections import Connections
from signalling.matchmaker.control import Control
from signalling.matchmaker.endings import Chronicle, Endings
from signalling.matchmaker.holding import Holding
from signalling.matchmaker.inventory import Inventory
from signalling.matchmaker.issuing import Issuer
from signalling.matchmaker.leases import CHALLENGE_SECONDS, Leases
from signalling.matchmaker.metrics import MatchmakerMetrics
from signalling.matchmaker.neighbours import (
    Alive,
    Challenge,
    Dismiss,
    Neighbours,
    Rhythm,
    TakenOver,
    Wake,
    Word,
)
from signalling.matchmaker.outcomes import Outcome
from signalling.matchmaker.parts import Parts
from signalling.matchmaker.positions import Positions
from signalling.matchmaker.queues import Keeping, Queues
from signalling.matchmaker.seats import Seats
from signalling.matchmaker.sessions import Sessions
from signalling.matchmaker.settings import MatchmakerSettings, StackSettings
from signalling.matchmaker.shares import FleetWatch, Shares
from signalling.matchmaker.sharing import Census, SharedInstances
from signalling.matchmaker.sidecars import Sidecars
from signalling.matchmaker.starts import Starts
from signalling.matchmaker.stranded import Patience, responsible
from signalling.matchmaker.sweeping import Sweeper
from signalling.matchmaker.turn_pool import TurnPool
from signalling.matchmaker.watching import Watching
from signalling.matchmaker.whereabouts import Whereabouts
from signalling.shell.websocket import Keepalive, SocketLimits
from signalling.store.interface import Store

DISMISSED: Final = "This wait was ended by whoever runs the service."


@dataclass(frozen=True)
class Surroundings:
    """What a replica is put into."""

    name: str
    """Its own, which no other replica has or had."""
    api: ClusterApi
    store: Store
    issuer: Issuer
    turn_secret: Callable[[], str]
    elsewhere: Callable[[], Elsewhere]
    """ICE servers that are not the pool's."""
    admission: Admission
    chronicle: Chronicle


class Replica:
    """The parts; also what the metrics read (``Observed``)."""

    def __init__(
        self, settings: MatchmakerSettings, stack: StackSettings, around: Surroundings, http: ClientSession
    ) -> None:
        its, applications = settings, {each.name: each for each in stack.applications}
        self._settings: Final = settings
        self._api: Final = around.api
        self._admission: Final = around.admission
        self._chronicle: Final = around.chronicle
        self._applications: Final = applications
        self.open = True
        """Whether anybody is let in."""
        self.limits: Final = SocketLimits(its.max_message_bytes, its.outbox_bytes)
        self.keepalive: Final = Keepalive(its.heartbeat_seconds)
        self._loads: Final = LoadWatch(http, stack.turn.status_port) if its.turn_loads else None
        self.turn: Final = TurnPool(stack.turn, around.turn_secret, around.elsewhere, self._turn_loads)
        self.inventory: Final = Inventory(self._changed)
        self.connections: Final = Connections()
        settling = 2 * its.presence_seconds + its.store_seconds
        rhythm = Rhythm(its.presence_seconds, its.store_patience_seconds, settling)
        self.neighbours: Final = Neighbours(around.store, around.name, rhythm)
        self.queues: Final = Queues(
            applications,
            around.store,
            self.neighbours,
            Keeping(its.queue_grace_seconds, its.renewal_seconds, its.ticket_seconds),
        )
        self.metrics: Final = MatchmakerMetrics(list(applications), self)
        self._starts: Final = Starts(self.neighbours, self.metrics)
        self.fleets: Final = FleetWatch(applications, self._share)
        self._shared: Final = SharedInstances(self.inventory)
        self.seats: Final = Seats(around.chronicle.seen, self._unseated)
        self._leases: Final = Leases(around.store, self.neighbours)
        self._holding: Final = Holding(self.connections, self._leases, self.queues)
        whereabouts = Whereabouts(self.inventory, around.store, self.neighbours, its.ticket_seconds)
        sidecars = Sidecars(http, around.issuer, its.instance_health_port, its.connect_seconds)
        endings = Endings(
            around.api,
            inventory=self.inventory,
            sidecars=sidecars,
            metrics=self.metrics,
            chronicle=around.chronicle,
            over=self.queues.over,
        )
        self.sweeper: Final = Sweeper(
            applications,
            inventory=self.inventory,
            neighbours=self.neighbours,
            sidecars=sidecars,
            endings=endings,
            patience=Patience(its.stranded_seconds, its.silent_seconds),
            relayed=self.connections.relayed,
        )
        wires = Wires(its.instance_port, self.limits, self.keepalive, its.connect_seconds)
        self.sessions: Final = Sessions(
            Parts(
                applications=applications,
                settings=its,
                admission=around.admission,
                issuer=around.issuer,
                neighbours=self.neighbours,
                connections=self.connections,
                leases=self._leases,
                holding=self._holding,
                queues=self.queues,
                fleets=self.fleets,
                shared=self._shared,
                seats=self.seats,
                whereabouts=whereabouts,
                sidecars=sidecars,
                connector=Connector(around.issuer, wires),
                endings=endings,
                sweeper=self.sweeper,
                metrics=self.metrics,
                chronicle=around.chronicle,
            ),
            self._wake,
        )
        self.allocation: Final = Allocation(
            applications,
            inventory=self.inventory,
            shared=self._shared,
            queues=self.queues,
            fleets=self.fleets,
            api=around.api,
            metrics=self.metrics,
            host=self.sessions,
            at_once=its.claims_at_once,
        )
        self._positions: Final = Positions(
            applications,
            store=around.store,
            neighbours=self.neighbours,
            queues=self.queues,
            connections=self.connections,
            fleets=self.fleets,
        )
        self._census: Final = Census(
            stack.applications,
            inventory=self.inventory,
            neighbours=self.neighbours,
            sidecars=sidecars,
            endings=endings,
            api=around.api,
            seats=self.seats,
            relayed=self.connections.relayed,
        )
        self.arrivals: Final = Arrivals(
            Desk(
                settings=its,
                stack=stack,
                admission=around.admission,
                issuer=around.issuer,
                connections=self.connections,
                leases=self._leases,
                queues=self.queues,
                whereabouts=whereabouts,
                sidecars=sidecars,
                fleets=self.fleets,
                metrics=self.metrics,
                options=self.turn.options,
                open=lambda: self.open,
            ),
            self.sessions,
            self._challenge,
        )
        self.control: Final = Control(
            applications,
            inventory=self.inventory,
            whereabouts=whereabouts,
            fleets=self.fleets,
            sidecars=sidecars,
            endings=endings,
            store=around.store,
            neighbours=self.neighbours,
            api=around.api,
        )
        self._watches: Final = (
            Watching("fleets"),
            Watching("instances"),
            Watching("turn nodes"),
            Watching("turn pods"),
        )
        self.neighbours.notify(self.hear, self._renew_soon)
        self._renewing: Final = asyncio.Event()

    @property
    def synced(self) -> bool:
        """Whether all watches have listed what there is."""
        return all(watch.synced for watch in self._watches)

    def work(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What goes on in the background until it is cancelled."""
        its = self._settings
        fleets, instances, nodes, pods = self._watches
        yield fleets.follow(self._api.watch_fleets, self.fleets.observe)
        yield instances.follow(self._api.watch_instances, self.observe)
        yield nodes.follow(self._api.watch_turn_nodes, self.turn.observe_node)
        yield pods.follow(self._api.watch_turn_pods, self.turn.observe_pod)
        if self._loads is not None:
            yield self._loads.follow(lambda: self.turn.nodes)
        # Each by itself: a group of tasks cancels each of its own only once, which a client may swallow.
        yield self.neighbours.live_on()
        yield self.neighbours.listen()
        yield self.sweeper.run(its.stranded_interval_seconds)
        yield self._census.run(its.presence_seconds)
        yield self._renew(its.renewal_seconds)
        for name in self._applications:
            yield self.allocation.run(name)
            yield self._positions.run(name, its.position_seconds)

    # What it is told

    def observe(self, event: Event[Pod]) -> None:
        """The watch of the instances says something."""
        if isinstance(event, Listed):
            for gone in self.inventory.listed(filter(None, map(instance_of, event.items))):
                self._gone(gone)
            return
        found, name = instance_of(event.item), event.item.metadata.name if event.item.metadata else None
        if isinstance(event, Changed) and found is not None:
            self.inventory.changed(found)
        elif name is not None and (lost := self.inventory.removed(name)) is not None:
            self._gone(lost)

    def hear(self, word: Word) -> None:
        """Another replica says something."""
        match word:
            case Wake(application):
                self._wake(application)
            case TakenOver(player, epoch):
                self._holding.taken_over(player, epoch)
            case Challenge():
                self._challenge(word)
            case Alive(player):
                self._leases.alive(player)
            case Dismiss(session, reason):
                self.sessions.dismiss(session, reason, DISMISSED)

    def estimate(self, application: str, position: int) -> float | None:
        """Seconds until whoever is at this position of the queue is served; None when nobody can tell."""
        return self._positions.estimate(application, position)

    def _changed(self, before: Instance | None, now: Instance) -> None:
        self._positions.observe(before, now)
        self._starts.changed(before, now)
        self._shared.changed(before, now)
        self.sweeper.changed(now)
        if before is not None and now.pool is not Pool.SESSION:
            self._parted(before)
        session = now.session
        if session is not None and now.pool is Pool.SESSION and not now.going and now.application in self._applications:
            claiming = self.allocation.claiming(now.application, session)
            if self.queues.has(now.application, session) and not claiming:
                # Claimed by a replica that had the player before, or by us without an answer.
                self.sessions.claimed(session, now)
        self._wake(now.application)

    def _gone(self, instance: Instance) -> None:
        self._shared.removed(instance.name)
        self._starts.removed(instance.name)
        self.seats.removed(instance)
        self._parted(instance)
        neighbours = self.neighbours
        if instance.pool is Pool.SESSION and responsible(neighbours.replica, neighbours.live, instance.name):
            # Deleted by somebody else. With notice, its sidecar has ended the session or waited for its end.
            outcome = Outcome.COMPLETED if instance.going else Outcome.INTERRUPTED
            self.metrics.ended(instance, outcome)
            self._chronicle.ended(instance, outcome)

    def _parted(self, instance: Instance) -> None:
        """An instance has no session any more; whichever replica has ended it, this one may have let its player in."""
        session = instance.session
        if session is None or instance.pool is not Pool.SESSION or self.inventory.of_session(session) is not None:
            return
        player = self.connections.of(session)
        # One that waits has only lost an instance that came to nothing.
        if player is None or not player.waiting:
            self.sessions.spawn(self._admission.leave(session))

    def _unseated(self, seat: Instance, outcome: Outcome, bad: bool) -> None:
        """A session that shared its instance is over. Other replicas may see it too; one of them counts it."""
        counted = partial(self.metrics.ended, seat, outcome, datetime.now(UTC), bad=bad)
        self._chronicle.ended(seat, outcome, counted)
        if seat.session is not None:
            self.sessions.spawn(self.queues.over(seat.session))

    def _share(self, shares: Shares) -> None:
        self.metrics.expect(shares)
        self.allocation.wake_all()

    def _wake(self, application: str) -> None:
        self.allocation.wake(application)

    def _challenge(self, asked: Challenge) -> None:
        player = self.connections.of(asked.player)
        if player is not None:
            player.challenge(CHALLENGE_SECONDS, lambda: self._answer(asked))

    def _answer(self, asked: Challenge) -> None:
        if asked.asks == self.neighbours.replica:
            self._leases.alive(asked.player)
        else:
            self.sessions.spawn(self.neighbours.say(Alive(asked.player), asked.asks))

    def _renew_soon(self) -> None:
        self._renewing.set()

    async def _renew(self, interval: float) -> None:
        """Tell the store who is here, again and again: at once when it is there again or has lost its data."""
        while True:
            try:
                async with asyncio.timeout(interval):
                    await self._renewing.wait()
            except TimeoutError:
                pass
            self._renewing.clear()
            if not self.neighbours.store_answers:
                continue
            for player, epoch in chain((await self._leases.renew()).items(), (await self.queues.renew()).items()):
                self._holding.followed(player, epoch)
            self.allocation.wake_all()

    # Observed

    def players(self) -> int:
        """See Observed."""
        return len(self.connections)

    def waiting(self, application: str) -> int:
        """See Observed."""
        return self.queues.waiting(application)

    def idle(self, application: str) -> int:
        """See Observed."""
        return self.inventory.idle(application, self.fleets.shares[application])

    def instances(self) -> Iterable[Instance]:
        """See Observed."""
        return self.inventory.instances()

    def shared_ratio(self, application: str) -> float | None:
        """See Observed."""
        its = self._applications[application]
        return self._shared.ratio(its, self.queues.waiting(application)) if its.shared else None

    def _turn_loads(self) -> Mapping[str, float]:
        return {} if self._loads is None else self._loads.loads

    def turn_nodes(self) -> int:
        """See Observed."""
        return len(self.turn)

    def session_turn(self) -> Iterator[tuple[str, str]]:
        """See Observed."""
        for player in self.connections:
            if player.link is not None:
                yield from ((player.ticket.session, node) for node in self.turn.nodes_of(player.first_session))

    def replicas(self) -> int:
        """See Observed."""
        return len(self.neighbours.live)

    def store_available(self) -> bool:
        """See Observed."""
        return self.neighbours.store_answers

    def store_failures(self) -> int:
        """See Observed."""
        return self.neighbours.health.failures
