"""TURN's certificate beside coturn, which reads it when it starts and when it is told to."""

import hashlib
import logging
import os
import signal
from pathlib import Path
from typing import Final

LOG: Final = logging.getLogger("turn")

CERTIFICATE: Final = "tls.crt"
KEY: Final = "tls.key"
"""The keys of a Kubernetes Secret of type ``kubernetes.io/tls``."""


def order(before: str | None, now: str | None) -> signal.Signals | None:
    """What to tell coturn when the certificate's digest was ``before`` and is ``now``; None is no certificate.

    A coturn that started without one has no TLS port, and only a new start gives it one: that ends the media on this
    node, once in the life of a stack, when its first certificate arrives. A new one is read without any interruption,
    and one that is taken away stays in use.
    """
    if now is None or now == before:
        return None
    return signal.SIGTERM if before is None else signal.SIGUSR2


class FollowedCertificate:
    """The certificate in a folder, and the coturn of a pid file that has to hear of its changes."""

    def __init__(self, folder: Path, pid_file: Path) -> None:
        """Take the certificate as it is for the one that coturn starts with: this process starts before it."""
        self._folder = folder
        self._pid_file = pid_file
        self._digest = self._read()

    def look(self) -> None:
        """Tell coturn if the certificate has changed since the last look."""
        now = self._read()
        told = order(self._digest, now)
        self._digest = now or self._digest
        if told is not None:
            self._tell(told)

    def _read(self) -> str | None:
        try:
            content = b"".join((self._folder / name).read_bytes() for name in (CERTIFICATE, KEY))
        except OSError:
            return None
        return hashlib.sha256(content).hexdigest()

    def _tell(self, told: signal.Signals) -> None:
        try:
            os.kill(int(self._pid_file.read_text()), told)
        except (OSError, ValueError) as error:
            # It will read the certificate when it starts.
            LOG.info("coturn is not running yet", extra={"reason": str(error)})
        else:
            LOG.info("coturn was told of a certificate", extra={"signal": told.name})
