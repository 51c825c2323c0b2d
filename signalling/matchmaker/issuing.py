"""The tickets that a matchmaker signs, and those of its own kind that it takes back."""

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signalling.ice.secret import SigningSecret
from signalling.tickets.claims import Claims
from signalling.tickets.keys import SigningKey, public_keys, public_line, signing_key
from signalling.tickets.signing import TicketRefused, prove, sign

SHORT_SECONDS: Final = 60.0
"""The life of a ticket that is used at once."""

Asked = TypeVar("Asked", bound=Claims)
_key: Final[Callable[[str], SigningKey]] = lru_cache(maxsize=4)(signing_key)


@lru_cache(maxsize=4)
def _public(seeds: tuple[str, ...]) -> Mapping[str, Ed25519PublicKey]:
    return public_keys(public_line(_key(seed)) for seed in seeds)


class Issuer:
    """Signs with the seed of the moment; proves what this or the previous one signed."""

    def __init__(self, seed: SigningSecret, clock: Callable[[], float] = time.time) -> None:
        """UnusableKeyError when the seed is none."""
        self._seed: Final = seed
        self._clock: Final = clock
        _key(seed())

    def sign(self, claims: Claims, seconds: float = SHORT_SECONDS) -> str:
        """A ticket that is good from now on for so long."""
        return sign(claims, _key(self._seed()), self._clock(), seconds)

    def public(self) -> Mapping[str, Ed25519PublicKey]:
        """The public halves of the keys that hold, by their ids."""
        return _public(self._seed.known())

    def proved(self, ticket: str, kind: type[Asked]) -> Asked | None:
        """What a ticket of this kind says; None where it proves nothing."""
        try:
            return prove(ticket, kind, self.public(), self._clock())
        except TicketRefused:
            return None
