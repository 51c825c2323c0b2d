"""Signing and proving tickets: JWTs by EdDSA, each good for one audience until its time is over.

A ticket is signed once and proved wherever it is shown, and proving is the dearest part of a player's coming. So PyJWT
signs, and what proves takes only the one form that PyJWT gives our tickets, with libsodium, which is through in little
more than half of OpenSSL's time.
"""

import re
from binascii import a2b_base64
from collections.abc import Mapping
from typing import Final, Literal, TypeVar

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

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
    parts = _FORM.fullmatch(ticket)
    if parts is None:
        raise TicketRefused("no ticket")
    try:
        head, body, signature = map(_decoded, parts.groups())
        key = keys.get(_HEADERS.decode(head).kid)
        if key is None:
            raise TicketRefused("signed by a key that is not known here")
        crypto_sign_open(signature + ticket[: parts.end(2)].encode(), key.public_bytes_raw())
        said = _SAID.decode(body)
        if said.aud != kind.audience:
            raise TicketRefused("for another audience")
        if not said.iat - LEEWAY_SECONDS <= now < said.exp + LEEWAY_SECONDS:
            raise TicketRefused("out of its time")
        return msgspec.json.decode(body, type=kind)
    except (BadSignatureError, msgspec.DecodeError, RecursionError, TypeError, ValueError) as error:
        raise TicketRefused(type(error).__name__) from error


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """Whole: with another algorithm, or anything else in it, it is not one of ours."""

    alg: Literal["EdDSA"]
    kid: str
    typ: Literal["JWT"]


class _Said(msgspec.Struct):
    """What every ticket says beside its claims."""

    aud: str
    iat: float
    exp: float


_FORM: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})")
"""Header, payload and the 64 bytes of a signature, each in unpadded base64url."""
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_HEADERS: Final = msgspec.json.Decoder(_Header)
_SAID: Final = msgspec.json.Decoder(_Said)


def _decoded(part: str) -> bytes:
    # As much padding as any part could need; too much of it does no harm.
    return a2b_base64(part.encode().translate(_STANDARD) + b"==")
