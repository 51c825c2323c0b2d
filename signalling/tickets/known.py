"""The public keys a server knows, from a file that may change while it runs."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signalling.tickets.keys import UnusableKeyError, public_keys

LOG: Final = logging.getLogger("tickets")


class KnownKeys:
    """The keys in a file with one on each line; looked at anew for each ticket, read anew when it has changed."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            UnusableKeyError: it cannot be read, holds no key, or something that is none.
        """
        self._path: Final = path
        self._seen: tuple[int, ...] | None = None
        self._keys: Mapping[str, Ed25519PublicKey] = {}
        self._read()

    def __call__(self) -> Mapping[str, Ed25519PublicKey]:
        """The keys that hold now, by their names."""
        try:
            if self._version() != self._seen:
                self._read()
        except UnusableKeyError as error:
            # What was read last still holds: a file that is broken for a moment turns no player away.
            LOG.warning("ticket keys cannot be read", extra={"error": str(error)})
        return self._keys

    def _version(self) -> tuple[int, ...]:
        try:
            status = self._path.stat()
        except OSError as error:
            raise UnusableKeyError(f"{self._path}: {error.strerror}; mount the ConfigMap ticket-keys there") from error
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _read(self) -> None:
        # Before the content, so that a change in between is seen next time.
        self._seen = self._version()
        try:
            keys = public_keys(self._path.read_text(encoding="ascii").splitlines())
        except (OSError, UnicodeDecodeError) as error:
            raise UnusableKeyError(f"{self._path}: {type(error).__name__}") from error
        if not keys:
            raise UnusableKeyError(f"{self._path} holds no key")
        self._keys = keys
