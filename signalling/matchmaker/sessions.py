"""What becomes of the players of one replica: all the ways that a session may take.

The players' machines say what they want (``House``), the allocation what there is for them (``Host``); here the two
come together. Every way ends with a connected instance, in the queue, or with a word to the player why neither.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final

from signalling.kubernetes.instances import Instance
from signalling.matchmaker.admission import Redirected, Refused, closed
from signalling.matchmaker.connecting import Brought
from signalling.matchmaker.identity import renewed
from signalling.matchmaker.neighbours import Wake
from signalling.matchmaker.outcomes import Outcome
from signalling.matchmaker.parts import Parts
from signalling.matchmaker.player import Link, Player, Ways
from signalling.matchmaker.queues import Returned
from signalling.matchmaker.seats import seat
from signalling.matchmaker.settings import ApplicationSettings
from signalling.matchmaker.sidecars import Status
from signalling.protocol.session_messages import Reason, SessionTicket
from signalling.store.interface import Claimant, Place
from signalling.tickets.claims import InvitationTicket, PlayerTicket, Role

LOG: Final = logging.getLogger("matchmaker.sessions")
ATTEMPTS: Final = 5
"""Instances that may come to nothing for a player before it is sent away."""
RETURN_TRIES: Final = 4
"""Times that a returning player's instance is asked before its session counts as lost."""
RETURN_PAUSE: Final = 0.5
_INTERRUPTED: Final = frozenset({None, 1012})
"""How an instance closes the connection of a player that was still there and did nothing to end it."""
OVER: Final = "This session is over."


class Sessions:
    """See House and Host."""

    def __init__(self, parts: Parts, wake: Callable[[str], None]) -> None:
        """``wake`` has an application's queue looked at."""
        self._its: Final = parts
        self._wake: Final = wake
        self._tasks: Final[set[asyncio.Task[object]]] = set()

    async def stop(self, seconds: float) -> None:
        """Wait for what is under way, such as connections to instances."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()

    # House

    def connected(self, player: Player) -> SessionTicket | None:
        """See House."""
        self._its.connections.add(player)
        said = {"session": player.ticket.session, "application": player.ticket.app}
        LOG.info("player connected", extra={**said, "opted_in": player.relay.opted_in, "role": player.ticket.role})
        return self._ticket(player) if player.relay.opted_in else None

    def wants_instance(self, player: Player) -> None:
        """See House."""
        player.asked_at = _now()
        self.spawn(self._seat(player))

    def shows_ticket(self, player: Player, ticket: str, *, fresh: bool) -> None:
        """See House."""
        self.spawn(self._resume(player, ticket, fresh=fresh))

    def wants_invitation(self, player: Player, role: Role) -> None:
        """See House."""
        seconds = self._its.settings.invitation_seconds
        claims = InvitationTicket(session=player.ticket.session, app=player.ticket.app, role=role)
        player.do(player.relay.invitation(self._its.issuer.sign(claims, seconds), role, seconds))

    def sees(self, player: Player) -> None:
        """See House."""
        self.spawn(self._its.queues.used_up(player.ticket.app, _place(player.ticket)))

    def met(self, player: Player, link: Link) -> None:
        """See House."""
        self._its.connections.met(link.instance.name)
        said = {"session": player.ticket.session, "instance": link.instance.name, "application": player.ticket.app}
        if link.ways.resumes or player.ticket.player != player.ticket.session:
            LOG.info("session joined", extra={**said, "role": player.ticket.role})
            return
        waited, instance = _now() - player.asked_at, link.instance
        if self._application(player).shared:
            instance = seat(instance, player.ticket.session, player.ticket.subject, datetime.now(UTC))
            self._its.seats.taken(instance)
        self._its.metrics.wait.labels(player.ticket.app).observe(waited)
        self._its.chronicle.started(instance, waited)
        LOG.info("session started", extra={**said, "waited": round(waited, 3)})

    def parted(self, player: Player, link: Link, code: int | None, *, useless: bool) -> None:
        """See House."""
        instance = link.instance
        self._its.connections.parted(instance.name)
        if link.slow:
            self._its.metrics.slow.inc()
        if useless and not self._application(player).shared:
            self.spawn(self._its.endings.retire(instance, Outcome.UNREACHABLE, "session ended"))
        elif player.gone:
            if player.ending:
                self._its.sweeper.look(instance)
        else:
            interrupted = code in _INTERRUPTED
            self._its.sweeper.look(instance, interrupted=interrupted)
            if interrupted and not player.waiting and not player.relay.seen:
                # Its instance has died before it saw anything: it comes again, to the head of the queue.
                self.spawn(self._its.queues.keep(player.ticket.app, _place(player.ticket)))
        if player.waiting:
            if player.ticket.player == player.ticket.session:
                self._its.seats.untaken(instance.name, player.ticket.session)
            if self._application(player).shared:
                # As the fullest, which it seems to be for a while yet, it would get this player again, and the next.
                self._its.shared.closed(instance)
            self._again(player)

    def left(self, player: Player) -> None:
        """See House."""
        its, ticket = self._its, player.ticket
        its.connections.remove(player)
        if player.slow:
            its.metrics.slow.inc()
        LOG.info("player left", extra={"session": ticket.session, "code": player.code, "slow": player.slow})
        claimant = its.queues.leave(ticket.app, ticket.session, player.epoch)
        self.spawn(self._forget(player, claimant))

    # Host

    def ticket_of(self, session: str) -> PlayerTicket | None:
        """See Host."""
        player = self._its.connections.of(session)
        return player.ticket if player is not None and player.waiting else None

    def claimed(self, session: str, instance: Instance) -> None:
        """See Host. A player that does not wait yet, since it has come again, finds the instance on its way there."""
        player = self._its.connections.of(session)
        if player is not None and (claimant := self._leave(player, instance)) is not None:
            self.spawn(self._begin(player, claimant, instance))

    def joins(self, session: str, instance: Instance) -> None:
        """See Host."""
        player = self._its.connections.of(session)
        if player is not None and (claimant := self._leave(player, instance)) is not None:
            self.spawn(self._join_shared(player, claimant, instance))

    def _leave(self, player: Player, instance: Instance) -> Claimant | None:
        return self._its.queues.leave(instance.application, player.ticket.session, player.epoch)

    # From operators

    def dismiss(self, session: str, reason: Reason, text: str) -> bool:
        """End the wait of a session, for good; whether it has waited here."""
        player = self._its.connections.of(session)
        if player is None or not player.waiting:
            return False
        player.ending = True
        player.do(player.relay.fail(reason, text, retry=False))
        return True

    # The ways

    async def _seat(self, player: Player) -> None:
        """A player has asked for the list of streamers."""
        await self._its.holding.take(player)
        ticket = player.ticket
        instance = await self._its.whereabouts.instance_of(self._application(player), ticket.session)
        if player.gone or (instance is not None and await self._lead_back(player, instance, fresh=True)):
            return
        if ticket.player != ticket.session:
            # A spectator, or whoever was invited: there is nothing to wait for.
            player.do(player.relay.fail(Reason.SESSION_OVER, OVER, retry=False))
            return
        if instance is not None:
            kept = await self._its.queues.returning(ticket, lost=True)
            await self._become(player, kept or Returned(renewed(ticket), kept=False))
        await self._enter(player)

    async def _resume(self, player: Player, shown: str, *, fresh: bool) -> None:
        """An opted-in player shows the ticket of a session that it had."""
        ticket = self._its.issuer.proved(shown, PlayerTicket)
        if ticket is None or ticket.app not in self._its.applications:
            player.do(player.relay.fail(Reason.SESSION_OVER, OVER, retry=True))
            return
        player.ticket = ticket
        instance = await self._its.whereabouts.instance_of(self._application(player), ticket.session)
        if instance is not None:
            await self._its.holding.take(player)
            player.do(player.relay.ticket(self._ticket(player)))
            if await self._lead_back(player, instance, fresh=fresh):
                return
        if ticket.player == ticket.session:
            returned = await self._its.queues.returning(ticket, lost=instance is not None)
            if returned is not None and not player.gone:
                await self._become(player, returned)
                player.do([*player.relay.ticket(self._ticket(player)), *player.relay.enqueued()])
                return
        player.do(player.relay.fail(Reason.SESSION_OVER, OVER, retry=True))

    async def _become(self, player: Player, returned: Returned) -> None:
        """The player has another session, or another place for it."""
        before, ticket = player.ticket, returned.ticket
        if before.player != ticket.player:
            self._its.connections.release(player)
            if player.epoch:
                await self._its.leases.release(before.player, player.epoch)
        # A place of before is no new one, even where nobody new is let in. A ticket that leads to none is not enough.
        player.ticket, player.returns = ticket, returned.kept
        if before.player != ticket.player and player.epoch:
            await self._its.holding.take(player)

    async def _lead_back(self, player: Player, instance: Instance, *, fresh: bool) -> bool:
        """Bring a player to the instance that its session has; False when there is nothing to come back to."""
        for attempt in range(RETURN_TRIES):
            if attempt:
                await asyncio.sleep(RETURN_PAUSE)
            status = await self._its.sidecars.status(instance)
            if player.gone:
                return True
            if (
                status is not None
                and (found := await self._bring_back(player, instance, status, fresh=fresh)) is not None
            ):
                return found
        return player.gone

    async def _bring_back(self, player: Player, instance: Instance, status: Status, *, fresh: bool) -> bool | None:
        """The same, knowing what the instance's sidecar says; None where that may be another answer in a moment."""
        ticket, application = player.ticket, self._application(player)
        known = status.participant(ticket.player) is not None
        if application.shared:
            lost = all(each.session != ticket.session for each in status.participants)
        else:
            lost = status.over or status.session not in {None, ticket.session}
        if lost or not (known or fresh):
            return False
        ways = Ways(resumes=known, going_on=known and not fresh)
        brought = await self._its.connector.bring(player, application, instance, ways)
        if brought is Brought.FULL and ticket.player != ticket.session:
            player.do(player.relay.fail(Reason.FULL, "This session has no room for more.", retry=True))
            return True
        return {Brought.CONNECTED: True, Brought.OVER: False}.get(brought)

    async def _enter(self, player: Player) -> None:
        """Into the queue, if the player may."""
        its = self._its
        if not player.entered and (refused := await self._refusal(player)):
            if isinstance(refused, Redirected):
                player.do(player.relay.redirect(refused.url, refused.ticket))
                return
            its.metrics.refused.labels(refused.reason.value).inc()
            player.do(player.relay.fail(refused.reason, refused.message, retry=refused.retry))
            return
        if not player.entered and not player.returns:
            its.metrics.joined.labels(player.ticket.app).inc()
        player.entered = True
        if not self._application(player).shared:
            # Nobody tells a player that does not wait yet what has been claimed for it since it was last looked for.
            instance = await its.whereabouts.instance_of(self._application(player), player.ticket.session)
            if instance is not None:
                await self._start(player, instance)
                return
        await self._queue(player)

    async def _refusal(self, player: Player) -> Refused | Redirected | None:
        """Why a player may not wait here."""
        its, ticket = self._its, player.ticket
        refused = None if player.returns else closed(player.admitted, paused=its.fleets.paused(ticket.app))
        if refused is not None:
            return refused
        waiting = await its.queues.length(ticket.app)
        return await its.admission.enter(ticket.session, ticket.app, player.admitted, waiting, returns=player.returns)

    async def _queue(self, player: Player) -> None:
        if player.gone or not player.waiting:
            return
        await self._its.queues.join(player.ticket.app, _place(player.ticket), player.epoch)
        self._wake(player.ticket.app)

    async def _begin(self, player: Player, claimant: Claimant, instance: Instance) -> None:
        """An instance has been claimed for a player that waited."""
        await self._moved_on(instance.application, claimant)
        await self._start(player, instance)

    async def _start(self, player: Player, instance: Instance) -> None:
        """Bring a player to the instance that has been claimed for its session."""
        its = self._its
        if player.gone:
            # It may come back for it; else the instance is found to be stranded.
            if player.ending:
                await its.endings.retire(instance, Outcome.ABANDONED, "session ended")
            return
        self._starting(player)
        if not await its.leases.current(player.ticket.player, player.epoch):
            # Whoever has the player now finds the instance by its label.
            its.holding.followed(player.ticket.player, player.epoch)
            return
        brought = await its.connector.bring(player, self._application(player), instance, Ways())
        if brought is Brought.CONNECTED or player.gone:
            return
        if brought is Brought.OVER:
            its.sweeper.look(instance)
        else:
            self.spawn(its.endings.retire(instance, Outcome.UNREACHABLE, "session ended"))
        self._again(player)

    async def _join_shared(self, player: Player, claimant: Claimant, instance: Instance) -> None:
        """There is room for a player on a shared instance."""
        its, ticket = self._its, player.ticket
        await self._moved_on(ticket.app, claimant)
        if player.gone:
            return
        self._starting(player)
        brought = await its.connector.bring(player, self._application(player), instance, Ways())
        if brought is Brought.CONNECTED:
            await its.whereabouts.remember(ticket.session, instance)
            return
        its.shared.closed(instance)
        if brought is Brought.FULL:
            await self._queue(player)
        elif not player.gone:
            self._again(player)

    def _starting(self, player: Player) -> None:
        # Where it comes to nothing, the position is news again.
        player.told = None
        player.do(player.relay.starting())

    def _again(self, player: Player) -> None:
        """An instance has come to nothing: back to the player's place, which is the head by now."""
        player.attempts += 1
        if player.attempts >= ATTEMPTS:
            player.do(player.relay.fail(Reason.NO_INSTANCE, "No instance could be reached.", retry=True))
        elif player.ticket.player == player.ticket.session:
            self.spawn(self._queue(player))
        else:
            # A guest has no place of its own: it looks for the session that it was invited to.
            self.spawn(self._seat(player))

    async def _moved_on(self, application: str, claimant: Claimant) -> None:
        """Somebody is out of the queue: those behind move up, on all replicas."""
        await self._its.queues.forget(application, claimant, keep=True)
        self._its.neighbours.say_soon(Wake(application))

    async def _forget(self, player: Player, claimant: Claimant | None) -> None:
        ticket = player.ticket
        if claimant is not None:
            await self._its.queues.forget(ticket.app, claimant, keep=not player.ending)
            self._its.neighbours.say_soon(Wake(ticket.app))
            self._wake(ticket.app)
        if player.epoch:
            await self._its.leases.release(ticket.player, player.epoch)
        if player.ending and player.entered and claimant is not None:
            await self._its.admission.leave(ticket.session)

    def _ticket(self, player: Player) -> SessionTicket:
        signed = self._its.issuer.sign(player.ticket, self._its.settings.ticket_seconds)
        return SessionTicket(ticket=signed, session=player.ticket.session)

    def _application(self, player: Player) -> ApplicationSettings:
        return self._its.applications[player.ticket.app]

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Have something done that nobody waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("a session's step failed", exc_info=error)


def _place(ticket: PlayerTicket) -> Place:
    return Place(ticket.session, ticket.joined, ticket.priority)


def _now() -> float:
    return asyncio.get_running_loop().time()
