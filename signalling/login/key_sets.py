"""Public keys that another server publishes (RFC 7517), and when to ask for them again, as a machine without I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from signalling.login.settings import Algorithm

MOST_KEYS: Final = 64
FEWEST_RSA_BITS: Final = 2048


class UnusableKeySet(ValueError):
    """A document that is no key set."""


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A public key and the one algorithm that it is for."""

    id: str | None
    algorithm: Algorithm
    key: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the keys are asked for; seconds."""

    usual: float = 300.0
    """Where the server does not say how long they may be kept."""
    least: float = 60.0
    most: float = 3600.0
    """Bounds of what the server says."""
    unknown: float = 30.0
    """After the last try, a token of an unknown key is a reason to ask: at most so often, whatever is sent here."""
    retry: float = 5.0
    """After a failure, and double after each further one, up to ``least``."""


class _Document(msgspec.Struct):
    keys: list[dict[str, Any]]


def keys_of(content: bytes) -> tuple[PublishedKey, ...]:
    """The usable keys of a document; those for encryption, of unknown kinds or too weak are left out.

    Raises:
        UnusableKeySet: it is no key set.
    """
    try:
        document = msgspec.json.decode(content, type=_Document)
    except (msgspec.DecodeError, ValueError) as error:
        raise UnusableKeySet("it is no JSON Web Key Set") from error
    found = (_key_of(each) for each in document.keys[:MOST_KEYS])
    return tuple(key for key in found if key is not None)


def _key_of(described: dict[str, Any]) -> PublishedKey | None:
    # A symmetric key that is published is nobody's secret.
    if described.get("kty") not in ("RSA", "EC", "OKP") or described.get("use", "sig") != "sig" or "d" in described:
        return None
    try:
        key: object = jwt.PyJWK.from_dict(described).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    algorithm = algorithm_of(key)
    id, stated = described.get("kid"), described.get("alg")
    if algorithm is None or stated not in (None, algorithm.value) or not isinstance(id, str | None):
        return None
    return PublishedKey(id, algorithm, key)


def algorithm_of(key: object) -> Algorithm | None:
    """The algorithm that a public key is for; None for one that is not taken."""
    match key:
        case RSAPublicKey():
            return Algorithm.RS256 if key.key_size >= FEWEST_RSA_BITS else None
        case EllipticCurvePublicKey():
            return Algorithm.ES256 if isinstance(key.curve, SECP256R1) else None
        case Ed25519PublicKey():
            return Algorithm.EDDSA
        case _:
            return None


class KeySet:
    """What is known of another server's keys. A failure takes nothing away; an answer takes away what is not in it."""

    def __init__(self, pace: Pace = Pace()) -> None:
        self._pace: Final = pace
        self._keys: tuple[PublishedKey, ...] = ()
        self._tried_at = float("-inf")
        self._failures = 0
        self.next_at = float("-inf")
        """When to ask again."""
        self.heard = False
        """Whether the server has ever said its keys."""

    def answered(self, keys: Iterable[PublishedKey], max_age: float | None, now: float) -> None:
        """The server said that these are its keys."""
        self._keys = tuple(keys)
        self.heard = True
        self._tried_at = now
        self._failures = 0
        kept = self._pace.usual if max_age is None else max_age
        self.next_at = now + min(max(kept, self._pace.least), self._pace.most)

    def failed(self, now: float) -> None:
        """The server did not answer, or not with keys."""
        self._failures += 1
        self._tried_at = now
        self.next_at = now + min(self._pace.retry * 2 ** min(self._failures - 1, 10), self._pace.least)

    def worth_asking(self, now: float) -> bool:
        """Whether a token of a key that is not known is a reason to ask now."""
        return now - self._tried_at >= self._pace.unknown

    def candidates(self, algorithm: Algorithm, id: str | None) -> list[PublishedKey]:
        """The keys that may have signed: those of the algorithm and of that id, where both have one."""
        return [key for key in self._keys if key.algorithm is algorithm and (id is None or key.id in (None, id))]
