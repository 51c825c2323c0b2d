"""Which game runs, and for which session: both are known only after the instance was given to a player."""

import os
import re
import stat
from pathlib import Path
from typing import Final

_LONGEST: Final = 128
_GAME: Final = re.compile(r"[\w.:/@+-]{1,128}")


def session_of(path: Path) -> str:
    """The session in the file that the kubelet writes; empty for an idle instance."""
    try:
        return path.read_text()[:_LONGEST].strip()
    except FileNotFoundError:
        return ""


def game_of(path: Path, otherwise: str) -> str:
    """The game's identity in the file that the application writes, or else what is given.

    The application is not trusted: what it puts there may be a link to something else, a pipe, or anything at all.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return otherwise
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return otherwise
        text = os.read(file, _LONGEST + 2).decode(errors="replace").strip()
    finally:
        os.close(file)
    return text if _GAME.fullmatch(text) else otherwise
