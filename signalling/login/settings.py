"""How players log in, as the stack decides it."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta


class Mode(StrEnum):
    """Who may come."""

    NONE = "none"
    """Anybody."""
    SHARED = "shared"
    """Whoever knows the token that all players share."""
    SIGNED = "signed"
    """Whoever has a token that an issuer signed."""


class Algorithm(StrEnum):
    """Signatures that are taken. Each has keys of one kind, so none can be passed off as another's."""

    HS256 = "HS256"
    """By a secret that the issuer shares with this stack."""
    RS256 = "RS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"


class LoginSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``login`` member of the settings file. Secrets are not in it: they are files."""

    mode: Mode = Mode.NONE
    algorithms: tuple[Algorithm, ...] = ()
    issuer: str = ""
    audience: str = ""
    jwks: str = ""
    """Where the issuer publishes its public keys."""
    leeway_seconds: Annotated[int, Meta(ge=0, le=300)] = 30
    """By which the issuer's clock may differ."""

    def __post_init__(self) -> None:
        if self.mode is not Mode.SIGNED:
            return
        if not (self.algorithms and self.issuer and self.audience):
            raise ValueError("login.mode signed needs algorithms, issuer and audience")
        if self.published and not self.jwks:
            raise ValueError("login.jwks is missing; name where the issuer's keys are, or use HS256 alone")

    @property
    def published(self) -> frozenset[Algorithm]:
        """Those of the algorithms whose keys the issuer publishes."""
        return frozenset(self.algorithms) - {Algorithm.HS256}
