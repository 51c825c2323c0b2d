"""Ephemeral TURN credentials by the TURN REST scheme, which coturn's ``use-auth-secret`` checks."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TurnCredentials:
    """A name with its end built in, and the password that proves that we gave the name."""

    username: str
    password: str = field(repr=False)


def turn_credentials(secret: str, peer: str, now: float, lifetime: int) -> TurnCredentials:
    """Credentials of ``peer``, valid until ``now + lifetime`` (Unix time and seconds).

    coturn checks the time when an allocation is made and refreshed, so the lifetime must outlast the session.
    """
    username = f"{int(now) + lifetime}:{peer}"
    # SHA-1 is the scheme's; HMAC does not depend on its resistance to collisions.
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return TurnCredentials(username, base64.b64encode(digest).decode())
