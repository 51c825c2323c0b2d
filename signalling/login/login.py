"""From what a player shows to what it may do."""

from dataclasses import replace
from typing import Final

from signalling.login.grants import Grant, Refusal
from signalling.login.presented import Presented
from signalling.login.tickets import ShownTickets, leads_in
from signalling.login.tokens import TokenLogin
from signalling.protocol.session_messages import Reason
from signalling.tickets.claims import PlayerTicket

NO_LINK: Final = Refusal(Reason.LOGIN_REFUSED, "This link does not hold any more. Ask for a new one.")


class Login:
    """The stack's login: tickets stand for a token, and a player's own ticket leads it back to what it has."""

    def __init__(self, tokens: TokenLogin, tickets: ShownTickets) -> None:
        self._tokens: Final = tokens
        self._tickets: Final = tickets

    async def decide(self, shown: Presented, now: float) -> Grant | Refusal:
        """A grant, or why there is none; ``now`` is Unix time. Whether it covers the application is not asked here."""
        own = await self._tickets.own((*shown.tickets, shown.cookie), now)
        meant = await self._tickets.grant(shown.tickets, now)
        if meant is not None:
            return _returning(meant, own)
        answer = await self._tokens.admit(shown.tokens, now)
        in_vain = any(map(leads_in, shown.tickets)) and await self._tickets.own(shown.tickets, now) is None
        if in_vain and (isinstance(answer, Refusal) or not shown.tokens):
            # Where anybody may come too: who follows an invitation does not want a session of its own instead.
            answer = NO_LINK
        if isinstance(answer, Grant):
            return _returning(answer, own)
        return answer if own is None else _only_returning(own)

    def leads_back(self, shown: Presented, now: float) -> PlayerTicket | None:
        """The player's own ticket if one is shown, for one verification at most: good before anything is charged."""
        return self._tickets.leads_back((*shown.tickets, shown.cookie), now)


def _returning(grant: Grant, own: PlayerTicket | None) -> Grant:
    """A grant with the player's own ticket, unless that is somebody else's who sat at this browser before."""
    return replace(grant, returning=own) if own is not None and own.subject == grant.subject else grant


def _only_returning(own: PlayerTicket) -> Grant:
    """A login that has run out since does not end what it began."""
    return Grant(
        subject=own.subject,
        applications=frozenset({own.app}),
        priority=own.priority,
        max_seconds=own.max_seconds,
        role=own.role,
        returning=own,
        resume_only=True,
    )
