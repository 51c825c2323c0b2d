"""A secret that the matchmaker signs with and others check, and how it is exchanged for another while all run.

There are two: the one shared with coturn, and the seed of the tickets' key. A Secret's mounted files change in every
pod within two minutes or so, not at once. So whoever checks takes what the new and what the previous secret signed, and
the matchmaker goes on signing with the previous one until everybody must have the new one. Nothing restarts, and no
allocation ends: coturn keeps the key of an allocation it has made.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

PREVIOUS: Final = "previous"
"""The file beside the secret's own that holds the secret before it, if there is one."""
OVERLAP_SECONDS: Final = 300.0
"""How long a new secret is known before it signs: more than twice what the kubelet takes to bring it to every pod."""


class SecretError(ValueError):
    """The secret cannot be read; the text names the file and never its content."""


def read_secret(path: Path) -> str:
    """The secret in a file, without the white space around it."""
    try:
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(
            f"{path}: {type(error).__name__}; mount the Secret there, turn-secret or ticket-key"
        ) from None
    if not secret:
        raise SecretError(f"{path} is empty; put the secret under the key of that name")
    return secret


def read_secrets(path: Path) -> tuple[str, ...]:
    """The secrets that hold: the one in the file, then the previous one if there is one and it differs."""
    current, previous = read_secret(path), path.with_name(PREVIOUS)
    if not previous.exists() or not previous.stat().st_size:
        return (current,)
    return tuple(dict.fromkeys((current, read_secret(previous))))


class SigningSecret:
    """The secret that signs new credentials now; it follows the file.

    A process that starts in the middle of an exchange does not know when that began, and so counts from its own start.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the file; SecretError if that cannot be done."""
        self._path: Final = path
        self._clock: Final = clock
        self._secrets = read_secrets(path)
        self._since = clock()

    def known(self) -> tuple[str, ...]:
        """The secrets that hold now, as they were last read: the newest, and the previous one if there is one."""
        return self._secrets

    def __call__(self) -> str:
        """The secret for credentials given out at this moment."""
        now = self._clock()
        try:
            found = read_secrets(self._path)
        except SecretError:
            # A file that went away takes no session with it: what was read last still holds.
            found = self._secrets
        if found[0] != self._secrets[0]:
            self._since = now
        self._secrets = found
        return found[-1] if now - self._since < OVERLAP_SECONDS else found[0]
