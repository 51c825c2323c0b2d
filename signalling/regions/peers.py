"""The other regions: their room, their keys, and the way to them. Asked at the stack's addresses only."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode, urljoin

import msgspec
from aiohttp import ClientSession
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signalling.login.grants import Grant
from signalling.login.issuer_keys import IssuerKeys, KeysUnknown
from signalling.login.key_sets import Pace, PublishedKey
from signalling.login.settings import Algorithm
from signalling.outgoing.fetching import Unreachable, fetch
from signalling.regions.choosing import Rooms
from signalling.regions.publication import KEYS_PATH, REGION_PATH, RegionDocument
from signalling.regions.settings import PeerSettings, RegionSettings
from signalling.tickets.claims import RegionTicket

LOG: Final = logging.getLogger("regions")
POLL_SECONDS: Final = 5.0
TICKET_SECONDS: Final = 60.0
SPILLED: Final = "spilled"
"""The parameter that says where a page was sent on from, so that it is not sent on again."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where an opted-in player is sent."""

    region: str
    url: str
    """The other region's page."""
    ticket: str = field(repr=False)


class Peers:
    """What is known of them; ``follow`` keeps asking."""

    def __init__(
        self,
        here: RegionSettings,
        http: ClientSession,
        sign: Callable[[RegionTicket, float], str],
        poll_seconds: float = POLL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``sign`` makes a ticket that lives for so many seconds."""
        self.rooms: Final = Rooms(here)
        self._here: Final = here
        self._http: Final = http
        self._sign: Final = sign
        self._poll_seconds: Final = poll_seconds
        self._clock: Final = clock
        pace = Pace(usual=60.0, least=30.0, unknown=10.0)
        self._keys: Final = {
            peer.name: IssuerKeys(http, urljoin(peer.url, KEYS_PATH), pace, clock) for peer in here.peers
        }

    async def follow(self) -> None:
        """Ask all of them, again and again; never returns while there is one."""
        await asyncio.gather(
            *(self._follow_room(peer) for peer in self._here.peers), *(keys.follow() for keys in self._keys.values())
        )

    async def keys(self, id: str) -> Mapping[str, Ed25519PublicKey]:
        """The peers' public keys of one id; all are asked if none is known, within bounds."""
        known = (key for keys in self._keys.values() for key in keys.known(Algorithm.EDDSA))
        key = next((each for each in known if each.id == id), None)
        if key is None:
            found = await asyncio.gather(*(_find(keys, id) for keys in self._keys.values()))
            key = next((each for each in found if each is not None), None)
        return {} if key is None else {id: key.key}

    async def _follow_room(self, peer: PeerSettings) -> None:
        reachable: bool | None = None
        while True:
            before, reachable = reachable, await self._hear(peer)
            if reachable is not before:
                LOG.info("peer", extra={"region": peer.name, "reachable": reachable})
            await asyncio.sleep(self._poll_seconds)

    async def _hear(self, peer: PeerSettings) -> bool:
        try:
            document = await fetch(self._http, urljoin(peer.url, REGION_PATH))
            said = msgspec.json.decode(document.content, type=RegionDocument)
        except (Unreachable, msgspec.DecodeError):
            return False
        if said.region != peer.name:
            LOG.warning("peer is another region", extra={"region": peer.name, "said": said.region[:63]})
            return False
        self.rooms.hear(peer.name, {name: each.room for name, each in said.applications.items()}, self._clock())
        return True

    def elsewhere(self, application: str, grant: Grant) -> Elsewhere | None:
        """Where a player goes that has no room here: the next region that has; None if it stays.

        One that was sent here already stays, as does one who comes back to something, or to somebody's session.
        """
        if grant.spilled or grant.returning is not None or grant.session:
            return None
        peer = self.rooms.choose(application, self._clock())
        if peer is None:
            return None
        claims = RegionTicket(peer.name, application, grant.subject, grant.priority, grant.max_seconds)
        return Elsewhere(peer.name, peer.url, self._sign(claims, TICKET_SECONDS))

    def page_elsewhere(self, application: str, query: str) -> str | None:
        """The other region's page for somebody who asks for ours, with the same query; None if it stays.

        Nobody has logged in yet when a page is asked for: whoever has a token in the address takes it along. A ticket
        in the address is good here only.
        """
        if {name for name, _ in parse_qsl(query, keep_blank_values=True)} & {SPILLED, "ticket"}:
            return None
        peer = self.rooms.choose(application, self._clock())
        if peer is None:
            return None
        return f"{peer.url}?{query}{'&' if query else ''}{urlencode({SPILLED: self._here.name})}"


async def _find(keys: IssuerKeys, id: str) -> PublishedKey | None:
    try:
        found = await keys.find(Algorithm.EDDSA, id)
    except KeysUnknown:
        return None
    return next((key for key in found if key.id == id), None)
