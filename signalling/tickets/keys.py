"""Ed25519 keys of tickets: the matchmaker signs with a seed, everybody else proves with the public halves.

A seed is 32 random bytes as 64 hexadecimal digits, the form in which a stack's secrets come. A public key travels as
one line of unpadded base64url, the form of a JWK's ``x`` (RFC 8037).
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SEED_DIGITS: Final = 64
PUBLIC_BYTES: Final = 32


class UnusableKeyError(ValueError):
    """A key that cannot be used; the text never shows it."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the name that tickets give it."""

    id: str
    private: Ed25519PrivateKey = field(repr=False)


def signing_key(seed: str) -> SigningKey:
    """The key of a seed.

    Raises:
        UnusableKeyError: it is not 64 hexadecimal digits.
    """
    try:
        raw = bytes.fromhex(seed)
    except ValueError:
        raw = b""
    if 2 * len(raw) != SEED_DIGITS:
        raise UnusableKeyError(
            f"the ticket key is not {SEED_DIGITS} hexadecimal digits; give 32 random bytes in that form"
        )
    private = Ed25519PrivateKey.from_private_bytes(raw)
    return SigningKey(_id_of(private.public_key()), private)


def public_line(key: SigningKey) -> str:
    """The public half of a key, as one line."""
    return _unpadded(_raw(key.private.public_key()))


def public_keys(lines: Iterable[str]) -> Mapping[str, Ed25519PublicKey]:
    """Public keys by their names, from one line each; empty lines do not count.

    Raises:
        UnusableKeyError: a line is no key.
    """
    keys = (_public(line.strip()) for line in lines if line.strip())
    return {_id_of(key): key for key in keys}


def _public(line: str) -> Ed25519PublicKey:
    try:
        raw = base64.urlsafe_b64decode(line + "=" * (-len(line) % 4))
        return Ed25519PublicKey.from_public_bytes(raw)
    except (binascii.Error, ValueError) as error:
        raise UnusableKeyError(f"a public ticket key is not {PUBLIC_BYTES} bytes in base64url") from error


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _id_of(key: Ed25519PublicKey) -> str:
    """A key's name: the start of its digest, so that nobody has to give it one."""
    return _unpadded(hashlib.sha256(_raw(key)).digest()[:9])


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
