"""Who may connect: streamers and SFUs with their token, players with their ticket, commands with theirs."""

import hmac
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Final, Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from multidict import CIMultiDictProxy

from signalling.protocol.session_messages import SUBPROTOCOL
from signalling.shell.handshake import Answer, UpgradeRequest
from signalling.sidecar.settings import SidecarSettings
from signalling.tickets.claims import AdmissionTicket, CommandTicket, SessionLimits
from signalling.tickets.known import KnownKeys
from signalling.tickets.signing import TicketRefused, prove

_BEARER: Final = "bearer "
_UNAUTHORIZED: Final = Answer(401, "This needs a ticket.\n", [("WWW-Authenticate", "Bearer")])
_NO_TOKEN: Final = Answer(401, "This needs a token.\n", [("WWW-Authenticate", "Bearer")])

Asked = TypeVar("Asked", AdmissionTicket, CommandTicket)


class Entry(Protocol):
    """Whether a player may come in."""

    def player(self, request: UpgradeRequest) -> AdmissionTicket | Answer:
        """Its ticket, or what it is answered instead."""
        ...

    def command(self, headers: Mapping[str, str]) -> CommandTicket | None:
        """The command a request brings; None when it proves none."""
        ...


def entry(settings: SidecarSettings) -> Entry:
    """By ticket, or for anybody where the settings say so. UnusableKeyError when there are no keys to prove by."""
    if settings.ticket_keys is None:
        return Anybody(settings.max_players)
    return ByTicket(settings.instance, KnownKeys(settings.ticket_keys))


class ByTicket:
    """Tickets made out to this instance."""

    def __init__(
        self,
        instance: str,
        keys: Callable[[], Mapping[str, Ed25519PublicKey]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._instance: Final = instance
        self._keys: Final = keys
        self._clock: Final = clock

    def player(self, request: UpgradeRequest) -> AdmissionTicket | Answer:
        """What its ticket says."""
        return self._proved(request.headers, AdmissionTicket) or _UNAUTHORIZED

    def command(self, headers: Mapping[str, str]) -> CommandTicket | None:
        """What its ticket says."""
        return self._proved(headers, CommandTicket)

    def _proved(self, headers: Mapping[str, str], kind: type[Asked]) -> Asked | None:
        try:
            ticket = prove(bearer(headers), kind, self._keys(), self._clock())
        except TicketRefused:
            return None
        return ticket if ticket.instance == self._instance else None


class Anybody:
    """No tickets: each player has a session of its own, which ends with its connection."""

    def __init__(self, players: int) -> None:
        # Subscribing is what is limited; a connection more or less does no harm.
        self._limits: Final = SessionLimits(grace_seconds=0, shared=True, players=2 * players)
        self._numbers: Final = count(1)

    def player(self, request: UpgradeRequest) -> AdmissionTicket | Answer:
        """A ticket as a matchmaker would give it."""
        name = f"anybody-{next(self._numbers)}"
        opted_in = SUBPROTOCOL in request.subprotocols or request.values("session") == ["1"]
        return AdmissionTicket(session=name, player=name, app="", instance="", opted_in=opted_in, limits=self._limits)

    def command(self, headers: Mapping[str, str]) -> CommandTicket | None:
        """There is nobody to give commands."""
        return None


def streamer(request: UpgradeRequest, settings: SidecarSettings) -> Answer | None:
    """What a streamer or SFU is answered that may not connect; None if it may."""
    if settings.streamer_token_file is None:
        return None
    token = settings.streamer_token_file.read_text(encoding="utf-8").strip().encode()
    given = [bearer(request.headers), *request.values("token")]
    # Every one is compared, in the same time whether it is right or not.
    right = [hmac.compare_digest(each.encode(errors="surrogateescape"), token) for each in given]
    return None if token and any(right) else _NO_TOKEN


def bearer(headers: Mapping[str, str] | CIMultiDictProxy[str]) -> str:
    """What stands behind ``Bearer`` in the headers; nothing if they have none."""
    given = headers.get("Authorization", "")
    return given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else ""


def subprotocol(request: UpgradeRequest) -> str | None:
    """What a peer is answered that offers sub-protocols: ours if it is among them, else the first, as Epic's does."""
    offered = request.subprotocols
    return SUBPROTOCOL if SUBPROTOCOL in offered else next(iter(offered), None)
