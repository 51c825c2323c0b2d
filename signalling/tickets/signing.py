"""Signing and proving tickets: JWTs by EdDSA, each good for one audience until its time is over."""

import base64
from collections.abc import Mapping
from typing import Final, TypeVar

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signalling.tickets.claims import Claims
from signalling.tickets.keys import SigningKey

ALGORITHM: Final = "EdDSA"
LEEWAY_SECONDS: Final = 10
"""By which the clocks of two nodes may differ."""
LONGEST: Final = 4096
"""Characters of a ticket; ours have a tenth of that. Longer ones are not looked into."""

Asked = TypeVar("Asked", bound=Claims)


class TicketRefused(Exception):
    """A ticket that proves nothing; the text says why and never shows the ticket."""


def sign(claims: Claims, key: SigningKey, now: float, lifetime: float) -> str:
    """A ticket that says ``claims`` from ``now`` (Unix time) on for ``lifetime`` seconds."""
    payload = {
        **msgspec.to_builtins(claims),
        "aud": claims.audience,
        "iat": int(now),
        "exp": int(now + lifetime),
    }
    return jwt.encode(payload, key.private, ALGORITHM, headers={"kid": key.id})


def prove(ticket: str, kind: type[Asked], keys: Mapping[str, Ed25519PublicKey], now: float) -> Asked:
    """What a ticket of this kind says.

    Raises:
        TicketRefused: it is of no known key, for another audience, too old, or says something else than it should.
    """
    if len(ticket) > LONGEST:
        raise TicketRefused("longer than any ticket")
    try:
        key = keys.get(_named_key(ticket))
        if key is None:
            raise TicketRefused("signed by a key that is not known here")
        # The signature is the library's to prove. The claims are read here: it would read everything twice more, and
        # that is a good part of what a player's coming costs.
        payload = _SIGNATURES.decode(ticket, key, [ALGORITHM])
        said = msgspec.json.decode(payload, type=_Said)
        if said.aud != kind.audience:
            raise TicketRefused("for another audience")
        if not said.iat - LEEWAY_SECONDS <= now < said.exp + LEEWAY_SECONDS:
            raise TicketRefused("out of its time")
        return msgspec.json.decode(payload, type=kind)
    except (jwt.InvalidTokenError, msgspec.DecodeError, RecursionError, TypeError, ValueError) as error:
        raise TicketRefused(type(error).__name__) from error


class _Header(msgspec.Struct):
    kid: str


class _Said(msgspec.Struct):
    """What every ticket says beside its claims."""

    aud: str
    iat: float
    exp: float


_SIGNATURES: Final = jwt.PyJWS(algorithms=[ALGORITHM])


def _named_key(ticket: str) -> str:
    """The name of the key that a ticket says it is signed by; nothing of it is proved yet."""
    head = ticket.partition(".")[0]
    return msgspec.json.decode(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)), type=_Header).kid
