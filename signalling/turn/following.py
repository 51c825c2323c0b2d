"""What is mounted and watched, brought to coturn whenever it changes: secrets, peers, the certificate."""

import logging
import sqlite3
from pathlib import Path
from typing import Final

from signalling.ice.secret import SecretError, read_secrets
from signalling.turn.certificate import FollowedCertificate
from signalling.turn.peers import read_addresses
from signalling.turn.settings import TurnSettings
from signalling.turn.user_database import UnusableSecretError, UserDatabase

LOG: Final = logging.getLogger("turn")
INTERVAL_SECONDS: Final = 0.5
"""Between two looks. With coturn's own pause it bounds how long a new instance is not yet a peer."""


class Follower:
    """Looks, and writes what is new; what cannot be read or written is tried again at the next look.

    Until then coturn has what it had. Each `look` is to end before the next begins.
    """

    def __init__(self, its: TurnSettings) -> None:
        self._its: Final = its
        self._database: UserDatabase | None = None
        self._secrets: tuple[str, ...] | None = None
        self._peers: tuple[str, ...] | None = None
        folder = its.turn_certificate_folder
        self._certificate: Final = FollowedCertificate(Path(folder), its.pid_file) if folder else None
        self.refusing: bool = False
        """Whether new allocations are refused from the next look on; those that there are can be refreshed."""

    @property
    def complete(self) -> bool:
        """Whether both tables have been written since the start."""
        return self._secrets is not None and self._peers is not None

    @property
    def peers(self) -> int:
        """How many addresses coturn was given."""
        return len(self._peers or ())

    def close(self) -> None:
        """Let go of coturn's database."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def look(self) -> None:
        """Bring what has changed since the last look."""
        if self._certificate:
            self._certificate.look()
        try:
            self._follow_secrets()
        except (SecretError, UnusableSecretError, sqlite3.Error, OSError) as error:
            LOG.warning("the secrets stay as they are", extra={"reason": str(error)})
        try:
            self._follow_peers()
        except (UnicodeDecodeError, sqlite3.Error, OSError) as error:
            LOG.warning("the peers stay as they are", extra={"reason": str(error)})

    def _follow_secrets(self) -> None:
        secrets = () if self.refusing else read_secrets(self._its.turn_secret_file)
        if secrets != self._secrets:
            self._opened().write_secrets(secrets)
            self._secrets = secrets
            LOG.info("secrets written", extra={"secrets": len(secrets)})

    def _follow_peers(self) -> None:
        peers = read_addresses(self._its.turn_peers_file)
        if peers != self._peers:
            self._opened().write_peers(peers)
            self._peers = peers
            LOG.info("peers written", extra={"peers": len(peers)})

    def _opened(self) -> UserDatabase:
        if self._database is None:
            self._database = UserDatabase(self._its.database, self._its.turn_realm)
        return self._database
