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


def turn_user(session: str, player: str) -> str:
    """Whom credentials are for: a session's owner by its id alone, which is the session's, each guest by its own too.

    coturn's quota of a user is a player's so, and what it reports can be told by session. Ids have no full stop.
    """
    return session if player == session else f"{session}.{player}"


def session_of(username: str) -> str:
    """The session that a name of credentials is of: the name without its time and player."""
    return username.rpartition(":")[2].partition(".")[0]


def turn_credentials(secret: str, user: str, now: float, lifetime: int) -> TurnCredentials:
    """Credentials of ``user``, valid until ``now + lifetime`` (Unix time and seconds).

    coturn checks the time when an allocation is made and refreshed, so the lifetime must outlast the session.
    """
    username = f"{int(now) + lifetime}:{user}"
    # SHA-1 is the scheme's; HMAC does not depend on its resistance to collisions.
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return TurnCredentials(username, base64.b64encode(digest).decode())
