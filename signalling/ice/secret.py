"""The secret shared by the matchmaker and coturn."""

from pathlib import Path


class SecretError(ValueError):
    """The secret cannot be read; the text names the file and never its content."""


def read_secret(path: Path) -> str:
    """The secret in a file, without the white space around it."""
    try:
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"{path}: {type(error).__name__}; mount the Secret turn-secret there") from None
    if not secret:
        raise SecretError(f"{path} is empty; put the secret under the key of that name")
    return secret
