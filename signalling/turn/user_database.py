"""coturn's user database: the table of shared secrets, which coturn asks at each new allocation.

Unlike `static-auth-secret` in its configuration, the table changes without a restart, and a restart would end the
media of every player on the node.
"""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

# Columns and key are coturn's (schema.sql of its distribution); it makes its other tables by itself.
_TABLE = (
    "CREATE TABLE IF NOT EXISTS turn_secret"
    " (realm varchar(127) DEFAULT '', value varchar(256), PRIMARY KEY (realm, value))"
)
_BUSY_SECONDS = 5.0
_SHORTEST, _LONGEST = 16, 256


class UnusableSecretError(ValueError):
    """coturn could not use a secret; the text never shows it."""


def write_secrets(path: Path, realm: str, secrets: Sequence[str]) -> None:
    """Make these the secrets of a realm, all at once; the file is readable by this user only.

    Raises:
        UnusableSecretError: a secret is too short, too long or not of printable ASCII characters.
        sqlite3.Error: the database could not be written.
    """
    for secret in secrets:
        if not _SHORTEST <= len(secret) <= _LONGEST or not all(33 <= ord(letter) <= 126 for letter in secret):
            raise UnusableSecretError(
                f"the TURN secret cannot be used: give {_SHORTEST} to {_LONGEST} printable ASCII characters"
            )
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    database = sqlite3.connect(path, timeout=_BUSY_SECONDS)
    try:
        # coturn reads while this writes, and must never find the file locked.
        database.execute("PRAGMA journal_mode = WAL")
        with database:
            database.execute(_TABLE)
            database.execute("DELETE FROM turn_secret WHERE realm = ?", (realm,))
            database.executemany("INSERT INTO turn_secret VALUES (?, ?)", [(realm, secret) for secret in secrets])
    finally:
        database.close()
