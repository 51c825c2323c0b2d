"""coturn's user database: the shared secrets, which it asks for at each new allocation, and the allowed peers.

Unlike what stands in its configuration, the tables change without a restart, and a restart would end the media of
every player on the node. The peers it reads every five seconds.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

REREAD_SECONDS: Final = 5.0
"""How long a change of the peers may go unseen: coturn's own pause between two looks."""

# Columns and keys are coturn's (schema.sql of its distribution); it makes its other tables by itself.
_SECRETS = (
    "CREATE TABLE IF NOT EXISTS turn_secret"
    " (realm varchar(127) DEFAULT '', value varchar(256), PRIMARY KEY (realm, value))"
)
_PEERS = (
    "CREATE TABLE IF NOT EXISTS allowed_peer_ip"
    " (realm varchar(127) DEFAULT '', ip_range varchar(256), PRIMARY KEY (realm, ip_range))"
)
_BUSY_SECONDS = 5.0
_SHORTEST, _LONGEST = 16, 256


class UnusableSecretError(ValueError):
    """coturn could not use a secret; the text never shows it."""


def write_secrets(path: Path, realm: str, secrets: Sequence[str]) -> None:
    """Make these the secrets of a realm, all at once; of none, nobody gets a new allocation.

    Raises:
        UnusableSecretError: a secret is too short, too long or not of printable ASCII characters.
        sqlite3.Error: the database could not be written.
    """
    for secret in secrets:
        if not _SHORTEST <= len(secret) <= _LONGEST or not all(33 <= ord(letter) <= 126 for letter in secret):
            raise UnusableSecretError(
                f"the TURN secret cannot be used: give {_SHORTEST} to {_LONGEST} printable ASCII characters"
            )
    with _writing(path) as database:
        database.execute(_SECRETS)
        database.execute("DELETE FROM turn_secret WHERE realm = ?", (realm,))
        database.executemany("INSERT INTO turn_secret VALUES (?, ?)", [(realm, secret) for secret in secrets])


def write_peers(path: Path, realm: str, addresses: Iterable[str]) -> None:
    """Make these the addresses that players of a realm may reach, beside those of the configuration.

    The caller has looked at each (`usable_peer`): coturn would take a name, and the address 0.0.0.0 for every one.

    Raises:
        sqlite3.Error: the database could not be written.
    """
    with _writing(path) as database:
        database.execute(_PEERS)
        database.execute("DELETE FROM allowed_peer_ip WHERE realm = ?", (realm,))
        database.executemany("INSERT INTO allowed_peer_ip VALUES (?, ?)", [(realm, address) for address in addresses])


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A transaction on the database, which only this user can read."""
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    database = sqlite3.connect(path, timeout=_BUSY_SECONDS)
    try:
        # coturn reads while this writes, and must never find the file locked.
        database.execute("PRAGMA journal_mode = WAL")
        with database:
            yield database
    finally:
        database.close()
