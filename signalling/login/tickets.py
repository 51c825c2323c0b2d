"""Tickets that a player shows: its own, a link, an invitation, another region's."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signalling.login.grants import Grant
from signalling.tickets.claims import Claims, InvitationTicket, LinkTicket, PlayerTicket, RegionTicket
from signalling.tickets.signing import LEEWAY_SECONDS, LONGEST, TicketRefused, prove

PublicKeys = Callable[[], Mapping[str, Ed25519PublicKey]]
"""Public keys by their ids, as they are now."""
PeerKeys = Callable[[str], Awaitable[Mapping[str, Ed25519PublicKey]]]
"""Other regions' keys of one id, asked for if they are not known."""


async def no_peers(_: str) -> Mapping[str, Ed25519PublicKey]:
    """The keys of a region that has no peers."""
    return {}


_KINDS: Final[Mapping[str, type[Claims]]] = {
    kind.audience: kind for kind in (PlayerTicket, LinkTicket, InvitationTicket, RegionTicket)
}
MOST_TICKETS: Final = 4
"""Of one request that are looked into: each costs a verification."""


def leads_in(ticket: str) -> bool:
    """Whether somebody who shows a ticket means to be let in by it: all but a player's own, which leads back.

    Nothing of it is proved: one that has run out or is of an old key says what it was for as well.
    """
    if len(ticket) > LONGEST:
        return True
    try:
        said = jwt.decode(ticket, options={"verify_signature": False})
    except (jwt.InvalidTokenError, TypeError, ValueError):
        return True
    return said.get("aud") != PlayerTicket.audience


@dataclass(frozen=True, slots=True)
class _Proved:
    claims: Claims
    ends: float
    """When it runs out, Unix time."""
    digest: str
    """A name of this very ticket."""


class ShownTickets:
    """What the tickets of a request prove."""

    def __init__(self, own_keys: PublicKeys, region: str = "", peer_keys: PeerKeys = no_peers) -> None:
        """``own_keys`` prove what this region's matchmakers signed, ``peer_keys`` what other regions' did."""
        self._own_keys: Final = own_keys
        self._region: Final = region
        self._peer_keys: Final = peer_keys

    async def own(self, tickets: Sequence[str], now: float) -> PlayerTicket | None:
        """The player's own ticket, if one of these is."""
        claims = (proved.claims for proved in await self._proved(tickets, now))
        return next((each for each in claims if isinstance(each, PlayerTicket)), None)

    def leads_back(self, tickets: Sequence[str], now: float) -> PlayerTicket | None:
        """What the first of these that says it is a player's own proves, by the keys at hand; no other is tried."""
        ticket = next((each for each in tickets[: MOST_TICKETS + 1] if not leads_in(each)), None)
        if ticket is None:
            return None
        try:
            return prove(ticket, PlayerTicket, self._own_keys(), now)
        except TicketRefused:
            return None

    async def grant(self, tickets: Sequence[str], now: float) -> Grant | None:
        """What the first of the links, invitations and region tickets among these is good for."""
        for proved in await self._proved(tickets, now):
            match proved.claims:
                case LinkTicket() as link:
                    return Grant(
                        subject=link.subject,
                        applications=frozenset({link.app}),
                        priority=link.priority,
                        max_seconds=link.max_seconds,
                        once=f"link:{link.id}",
                        once_seconds=proved.ends - now + LEEWAY_SECONDS,
                    )
                case InvitationTicket() as invitation:
                    return Grant(
                        applications=frozenset({invitation.app}), role=invitation.role, session=invitation.session
                    )
                case RegionTicket() as passed_on if passed_on.region == self._region:
                    return Grant(
                        subject=passed_on.subject,
                        applications=frozenset({passed_on.app}),
                        priority=passed_on.priority,
                        max_seconds=passed_on.max_seconds,
                        once=f"region:{proved.digest}",
                        once_seconds=proved.ends - now + LEEWAY_SECONDS,
                        spilled=True,
                    )
        return None

    async def _proved(self, tickets: Sequence[str], now: float) -> list[_Proved]:
        found = [await self._prove(ticket, now) for ticket in tickets[:MOST_TICKETS]]
        return [proved for proved in found if proved is not None]

    async def _prove(self, ticket: str, now: float) -> _Proved | None:
        if len(ticket) > LONGEST:
            return None
        try:
            # Only to know what to prove: nothing of it is believed before that.
            said = jwt.decode(ticket, options={"verify_signature": False})
            kind = _KINDS[str(said.get("aud"))]
            id = str(jwt.get_unverified_header(ticket).get("kid"))
            keys = await self._peer_keys(id) if kind is RegionTicket else self._own_keys()
            claims = prove(ticket, kind, keys, now)
        except (jwt.InvalidTokenError, KeyError, TicketRefused, TypeError, ValueError):
            return None
        return _Proved(claims, float(said["exp"]), hashlib.sha256(ticket.encode()).hexdigest()[:32])
