"""Secrets as files, which follow their Secret while it is exchanged for another: the current and the previous hold."""

from pathlib import Path
from typing import Final

PREVIOUS: Final = "previous"
"""The file beside the secret's own with the one before it, while both hold."""


class SecretFileError(ValueError):
    """A secret that cannot be read; the text names the file and never its content."""


def read_values(path: Path, secret: str) -> tuple[str, ...]:
    """The values that hold, the newest first; ``secret`` names the Kubernetes Secret that the file comes from.

    Raises:
        SecretFileError: there is no file, or nothing in it.
    """
    current, previous = _read(path, secret), path.with_name(PREVIOUS)
    if not previous.exists() or not previous.stat().st_size:
        return (current,)
    return tuple(dict.fromkeys((current, _read(previous, secret))))


def _read(path: Path, secret: str) -> str:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretFileError(f"{path}: {type(error).__name__}; mount the Secret {secret} there") from None
    if not value:
        raise SecretFileError(f"{path} is empty; put the value under that key of the Secret {secret}")
    return value


class SecretFile:
    """The values that hold now."""

    def __init__(self, path: Path, secret: str) -> None:
        """Read the file; SecretFileError if that cannot be done."""
        self._path: Final = path
        self._secret: Final = secret
        self._values = read_values(path, secret)

    def __call__(self) -> tuple[str, ...]:
        """The newest first. A file that goes away takes nothing with it: what was read last still holds."""
        try:
            self._values = read_values(self._path, self._secret)
        except SecretFileError:
            return self._values
        return self._values
