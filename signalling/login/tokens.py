"""Login by a token: nobody's, everybody's, or an issuer's."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Protocol

import jwt
import msgspec
from msgspec import Meta

from signalling.login.grants import Grant, Refusal
from signalling.login.issuer_keys import KeysUnknown
from signalling.login.key_sets import PublishedKey
from signalling.login.settings import Algorithm, LoginSettings
from signalling.protocol.session_messages import Reason

LONGEST_TOKEN: Final = 8192
MOST_TOKENS: Final = 8
"""Signed tokens of one request that are looked into: each costs a verification."""
FEWEST_SECRET_BYTES: Final = 32
"""Of a secret that signs by HS256 (RFC 7518, section 3.2)."""

REQUIRED: Final = Refusal(Reason.LOGIN_REQUIRED, "Log in first.")
REFUSED: Final = Refusal(Reason.LOGIN_REFUSED, "This login does not hold here. Log in again.")
OVER: Final = Refusal(Reason.LOGIN_REFUSED, "This login has run out. Log in again.")
UNDECIDED: Final = Refusal(
    Reason.LOGIN_REFUSED, "Nobody can tell now whether this login holds. Try again in a moment.", True, 5.0
)

Secrets = Callable[[], Sequence[str]]
"""The values of a secret that hold now."""


class TokenLogin(Protocol):
    """One mode of login."""

    async def admit(self, tokens: Sequence[str], now: float) -> Grant | Refusal:
        """What these tokens, of which any may be the right one, are good for at ``now`` (Unix time)."""
        ...


class NoLogin:
    """Anybody may come."""

    async def admit(self, tokens: Sequence[str], now: float) -> Grant | Refusal:
        """See TokenLogin."""
        del tokens, now
        return Grant()


class SharedLogin:
    """Whoever knows the one token may come; the reference server's rules."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets: Final = secrets

    async def admit(self, tokens: Sequence[str], now: float) -> Grant | Refusal:
        """See TokenLogin."""
        del now
        if not tokens:
            return REQUIRED
        # Digests, so that neither the length nor the first difference shows in the time it takes; all are compared.
        known = [_digest(secret) for secret in self._secrets()]
        matches = [hmac.compare_digest(_digest(token), each) for token in tokens for each in known]
        return Grant() if any(matches) else REFUSED


def _digest(text: str) -> bytes:
    # What is not UTF-8 in a header comes as lone surrogates.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class LoginClaims(msgspec.Struct, frozen=True):
    """What a signed token may say beside its issuer and audience; others of its claims do not matter here."""

    exp: float
    nbf: float = 0.0
    sub: Annotated[str, Meta(max_length=256)] = ""
    apps: tuple[Annotated[str, Meta(max_length=63)], ...] | None = None
    """The applications it is for; left out, all."""
    priority: Annotated[int, Meta(ge=-1000, le=1000)] = 0
    max_seconds: Annotated[int, Meta(ge=0)] = 0


class Issuer(Protocol):
    """Where the keys that an issuer publishes are found."""

    async def find(self, algorithm: Algorithm, id: str | None) -> list[PublishedKey]:
        """The keys that may have signed; KeysUnknown when nobody knows any."""
        ...


class SignedLogin:
    """Whoever has a token of the issuer's may come.

    A token's header chooses among the stack's algorithms, and each algorithm has keys of its own: HS256 the secret,
    the others the issuer's published keys of their kind. So no public key is ever taken for a secret.
    """

    def __init__(self, settings: LoginSettings, secrets: Secrets = tuple, issuer: Issuer | None = None) -> None:
        self._settings: Final = settings
        self._secrets: Final = secrets
        self._issuer: Final = issuer

    async def admit(self, tokens: Sequence[str], now: float) -> Grant | Refusal:
        """See TokenLogin."""
        worst = REQUIRED
        for token in tokens[:MOST_TOKENS]:
            answer = await self._prove(token, now)
            if isinstance(answer, Grant):
                return answer
            worst = answer
        return worst

    async def _prove(self, token: str, now: float) -> Grant | Refusal:
        if len(token) > LONGEST_TOKEN:
            return REFUSED
        try:
            header = jwt.get_unverified_header(token)
            algorithm = Algorithm(str(header.get("alg")))
        except (jwt.PyJWTError, ValueError, TypeError):
            return REFUSED
        # What a critical extension would mean is not known here (RFC 7515, section 4.1.11).
        if algorithm not in self._settings.algorithms or "crit" in header:
            return REFUSED
        id = header.get("kid")
        try:
            keys = await self._keys(algorithm, id if isinstance(id, str) else None)
        except KeysUnknown:
            return UNDECIDED
        proved = (claims for key in keys if (claims := self._claims(token, key, algorithm)) is not None)
        claims = next(proved, None)
        return REFUSED if claims is None else self._grant(claims, now)

    async def _keys(self, algorithm: Algorithm, id: str | None) -> list[object]:
        if algorithm is Algorithm.HS256:
            return [each for each in self._secrets() if len(each.encode()) >= FEWEST_SECRET_BYTES]
        found = [] if self._issuer is None else await self._issuer.find(algorithm, id)
        return [each.key for each in found]

    def _claims(self, token: str, key: object, algorithm: Algorithm) -> LoginClaims | None:
        # Times are looked at afterwards: the library reads the clock itself.
        options = {"require": ["exp", "iss", "aud"], "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        its = self._settings
        try:
            payload = jwt.decode(
                token,
                key,  # type: ignore[arg-type]
                [algorithm.value],
                audience=its.audience,
                issuer=its.issuer,
                options=options,  # type: ignore[arg-type]
            )
            return msgspec.convert(payload, LoginClaims)
        except (jwt.PyJWTError, msgspec.ValidationError, TypeError, ValueError):
            return None

    def _grant(self, claims: LoginClaims, now: float) -> Grant | Refusal:
        leeway = self._settings.leeway_seconds
        if claims.exp <= now - leeway:
            return OVER
        if claims.nbf > now + leeway:
            return REFUSED
        return Grant(
            subject=claims.sub,
            applications=None if claims.apps is None else frozenset(claims.apps),
            priority=claims.priority,
            max_seconds=claims.max_seconds,
        )
