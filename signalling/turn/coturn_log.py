"""coturn's log: what it refused, counted, and the lines that a person should see, passed on.

coturn writes to a file of bounded size in memory and never waits for who reads it; this reads what is new and empties
the file. Whoever reaches coturn's port decides on some of what stands there (a refused user name is printed as it
came): the counts are to be looked at, and nothing is done by them.
"""

import logging
import os
import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

LOG: Final = logging.getLogger("turn.coturn")

EMPTIED_ABOVE: Final = 4 << 20
"""Bytes; the file system that holds the log has room for several times as much."""
SHOWN_EACH_TIME: Final = 20
"""Lines passed on of one reading: a flood is counted, not copied."""


class Refusal(StrEnum):
    """Why coturn refused something."""

    QUOTA = "quota"
    """As many allocations, or as much bandwidth, as the user or all together may have."""
    PORTS = "ports"
    """No free port for a relay."""
    CREDENTIALS = "credentials"
    """A wrong secret, a time that is over, a made-up name; everybody while the node is drained."""
    OTHER = "other"
    """Another error of an allocation."""
    PEER = "peer"
    """A peer that is no instance. Browsers try every address they hear of, so some are no harm."""


_TOLD: Final = re.compile(
    rb"incoming packet ALLOCATE processed, (?P<success>success)"
    rb"|incoming packet ALLOCATE processed, error (?P<code>\d+)"
    rb"|(?P<credentials>Cannot find credentials of user|credentials are incorrect)"
    rb"|A peer IP \S+ denied in the range"
)
_BY_CODE: Final = {b"486": Refusal.QUOTA, b"508": Refusal.PORTS}
_HOUSEKEEPING: Final = re.compile(
    rb": (session \d|IPv[46]\. |A peer IP |check_stun_auth: |handle_|.*tcp or tls (connected|server))"
)
"""Lines that tell of single requests: their number says enough."""


def told(text: bytes) -> Iterator[Refusal | None]:
    """Each refusal that a piece of the log tells of, and None for each allocation that was made."""
    for found in _TOLD.finditer(text):
        if found["success"]:
            yield None
        elif found["code"]:
            yield _BY_CODE.get(found["code"], Refusal.OTHER)
        else:
            yield Refusal.CREDENTIALS if found["credentials"] else Refusal.PEER


def worth_showing(text: bytes) -> Iterator[str]:
    """The lines that tell of coturn itself, and not of a request."""
    for line in text.splitlines():
        if line.strip() and not _HOUSEKEEPING.search(line):
            yield line.decode(errors="replace").strip()


class LogReader:
    """Reads what is new in the file, each time it is asked."""

    def __init__(self, file: Path) -> None:
        self._file: Final = file
        self._at = 0
        self._rest = b""
        self.refused: Final = Counter(dict.fromkeys(Refusal, 0))
        self.made = 0
        """Allocations, gone ones too."""

    def read(self) -> None:
        """Count, pass on, and empty the file if it has grown; one that is not there yet holds nothing."""
        text = self._rest + self._new()
        whole, end, self._rest = text.rpartition(b"\n")
        for each in told(whole + end):
            if each is None:
                self.made += 1
            else:
                self.refused[each] += 1
        for number, line in enumerate(worth_showing(whole)):
            if number == SHOWN_EACH_TIME:
                LOG.warning("more lines of coturn were left out")
                break
            LOG.info("coturn says", extra={"line": line})

    def _new(self) -> bytes:
        try:
            with self._file.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < self._at:
                    # Somebody else has emptied it: a coturn that started anew.
                    self._at = 0
                file.seek(self._at)
                new = file.read()
            self._at += len(new)
            if self._at > EMPTIED_ABOVE:
                # coturn appends, so its next line is the first. What it wrote since the reading is not counted.
                os.truncate(self._file, 0)
                self._at = 0
        except FileNotFoundError:
            return b""
        return new
