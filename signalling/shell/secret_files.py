"""A secret as a file, which follows its Secret in Kubernetes while that is exchanged: the newest value and the last."""

from pathlib import Path
from typing import Final

from signalling.ice.secret import SecretError, read_secrets


class SecretFile:
    """The values that hold now. For what is only proved; what signs with one waits, as ``SigningSecret`` does."""

    def __init__(self, path: Path) -> None:
        """Read the file; SecretError if that cannot be done."""
        self._path: Final = path
        self._values = read_secrets(path)

    def __call__(self) -> tuple[str, ...]:
        """The newest first. A file that goes away takes nothing with it: what was read last still holds."""
        try:
            self._values = read_secrets(self._path)
        except SecretError:
            return self._values
        return self._values
