"""ICE servers that are not the pool's: the mounted file of the stack, which may not be there and may change."""

from pathlib import Path
from typing import Final

import msgspec

from signalling.ice.secret import SecretError
from signalling.ice.servers import ExternalTurn, IceServer, TransportPolicy


class ApplicationIce(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one application has of its own."""

    servers: tuple[IceServer, ...] = ()
    """In place of the pool's and of those elsewhere; none for these."""
    transport_policy: TransportPolicy | None = None
    """None for the stack's."""


class Elsewhere(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's content."""

    external: tuple[ExternalTurn, ...] = ()
    """Given to players after the pool's."""
    applications: dict[str, ApplicationIce] = {}
    """By application."""


NOTHING: Final = Elsewhere()


def read_elsewhere(path: Path) -> Elsewhere:
    """The file's content; nothing for a file that is not there.

    Raises:
        SecretError: it cannot be used; the text names it and shows nothing of what is in it.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Elsewhere)
    except FileNotFoundError:
        return NOTHING
    except (OSError, msgspec.DecodeError) as error:
        raise SecretError(f"{path}: {type(error).__name__}; `pulumi up` writes the Secret ice-servers anew") from None


class FollowedElsewhere:
    """The file's content now. What cannot be read leaves what was read last."""

    def __init__(self, path: Path) -> None:
        """Read it; SecretError if it cannot be used."""
        self._path: Final = path
        self._seen = self._mark()
        self._content = read_elsewhere(path)

    def __call__(self) -> Elsewhere:
        """Read again if the file is another than before."""
        mark = self._mark()
        if mark != self._seen:
            try:
                self._content = read_elsewhere(self._path)
            except SecretError:
                return self._content
            self._seen = mark
        return self._content

    def _mark(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns
