"""Signing and proving tickets: JWTs by EdDSA, each good for one audience until its time is over."""

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
        key = keys.get(str(jwt.get_unverified_header(ticket).get("kid")))
        if key is None:
            raise TicketRefused("signed by a key that is not known here")
        # Its time is checked below: the library reads the clock itself.
        options = {"require": ["exp", "iat", "aud"], "verify_exp": False, "verify_iat": False}
        payload = jwt.decode(ticket, key, [ALGORITHM], audience=kind.audience, options=options)  # type: ignore[arg-type]
        if not payload["iat"] - LEEWAY_SECONDS <= now < payload["exp"] + LEEWAY_SECONDS:
            raise TicketRefused("out of its time")
        return msgspec.convert(payload, kind)
    except (jwt.InvalidTokenError, msgspec.ValidationError, TypeError, ValueError) as error:
        raise TicketRefused(type(error).__name__) from error
