"""coturn's user database: the shared secrets, which it asks for at each new allocation, and the allowed peers.

Unlike what stands in its configuration, the tables change without a restart, and a restart would end the media of
every player on the node. The peers it reads every five seconds.

coturn waits for no lock: what it finds locked it takes for empty, and then knows no secret, or for five seconds no
peer. So it must never find one. In WAL mode a writer locks no reader out, but who closes the last connection does, and
one stays open here for as long as the process lives. All of coturn's tables are made at once, so that it makes none.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

REREAD_SECONDS: Final = 5.0
"""How long a change of the peers may go unseen: coturn's own pause between two looks."""

# As schema.sql of coturn's distribution has them.
_TABLES: Final = (
    "turnusers_lt (realm varchar(127) DEFAULT '', name varchar(512), hmackey char(128), PRIMARY KEY (realm, name))",
    "turn_secret (realm varchar(127) DEFAULT '', value varchar(256), PRIMARY KEY (realm, value))",
    "allowed_peer_ip (realm varchar(127) DEFAULT '', ip_range varchar(256), PRIMARY KEY (realm, ip_range))",
    "denied_peer_ip (realm varchar(127) DEFAULT '', ip_range varchar(256), PRIMARY KEY (realm, ip_range))",
    "turn_origin_to_realm (origin varchar(127), realm varchar(127), PRIMARY KEY (origin))",
    "turn_realm_option (realm varchar(127) DEFAULT '', opt varchar(32), value varchar(128), PRIMARY KEY (realm, opt))",
    "oauth_key (kid varchar(128), ikm_key varchar(256), timestamp bigint DEFAULT 0, lifetime integer DEFAULT 0,"
    " as_rs_alg varchar(64) DEFAULT '', realm varchar(127), PRIMARY KEY (kid))",
    "admin_user (name varchar(32), realm varchar(127), password varchar(127), PRIMARY KEY (name))",
)
_BUSY_SECONDS: Final = 5.0
_SHORTEST, _LONGEST = 16, 256


class UnusableSecretError(ValueError):
    """coturn could not use a secret; the text never shows it."""


class UserDatabase:
    """An open connection; of several threads one may use it at a time."""

    def __init__(self, path: Path, realm: str) -> None:
        """Open it, readable by this user only, and make what is missing.

        Raises:
            OSError, sqlite3.Error: it cannot be opened.
        """
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        self._realm: Final = realm
        self._connection: Final = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        with self._connection as database:
            for table in _TABLES:
                database.execute(f"CREATE TABLE IF NOT EXISTS {table}")

    def write_secrets(self, secrets: Sequence[str]) -> None:
        """Make these the secrets of the realm, all at once; of none, nobody gets a new allocation.

        Raises:
            UnusableSecretError: a secret is too short, too long or not of printable ASCII characters.
            sqlite3.Error: the database could not be written.
        """
        for secret in secrets:
            if not _SHORTEST <= len(secret) <= _LONGEST or not all(33 <= ord(letter) <= 126 for letter in secret):
                raise UnusableSecretError(
                    f"the TURN secret cannot be used: give {_SHORTEST} to {_LONGEST} printable ASCII characters"
                )
        with self._connection as database:
            database.execute("DELETE FROM turn_secret WHERE realm = ?", (self._realm,))
            rows = [(self._realm, secret) for secret in secrets]
            database.executemany("INSERT INTO turn_secret VALUES (?, ?)", rows)

    def write_peers(self, addresses: Iterable[str]) -> None:
        """Make these the addresses that players may reach, beside those of the configuration.

        The caller has looked at each (`usable_peer`): coturn would take a name, and the address 0.0.0.0 for every one.

        Raises:
            sqlite3.Error: the database could not be written.
        """
        with self._connection as database:
            database.execute("DELETE FROM allowed_peer_ip WHERE realm = ?", (self._realm,))
            rows = [(self._realm, address) for address in addresses]
            database.executemany("INSERT INTO allowed_peer_ip VALUES (?, ?)", rows)

    def close(self) -> None:
        """Let go of it; where coturn runs, its own connections stay."""
        self._connection.close()
