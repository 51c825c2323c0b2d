"""``python -m signalling.turn.following``: beside coturn, tells it of changes of its secrets and its certificate."""

import logging
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from signalling.ice.secret import SecretError, read_secrets
from signalling.shell import logs
from signalling.shell.environment import SettingError
from signalling.turn import settings
from signalling.turn.certificate import FollowedCertificate
from signalling.turn.user_database import UnusableSecretError, write_secrets

LOG: Final = logging.getLogger("turn")
INTERVAL_SECONDS: Final = 2.0


def follow(its: settings.SecretsSettings, wait: Callable[[float], bool]) -> None:
    """Write the secrets whenever they change, until `wait`, called between two looks, says to stop.

    What cannot be read or written is tried again: until then coturn takes the secrets it has.
    """
    written: tuple[str, ...] = ()
    folder = its.turn_certificate_folder
    certificate = FollowedCertificate(Path(folder), its.pid_file) if folder else None
    while True:
        if certificate:
            certificate.look()
        try:
            secrets = read_secrets(its.turn_secret_file)
            if secrets != written:
                write_secrets(its.database, its.turn_realm, secrets)
                written = secrets
                LOG.info("secrets written", extra={"secrets": len(secrets)})
        except (SecretError, UnusableSecretError, sqlite3.Error, OSError) as error:
            LOG.warning("the secrets stay as they are", extra={"reason": str(error)})
        if wait(INTERVAL_SECONDS):
            return


def main() -> None:
    """Follow until SIGTERM."""
    stopped = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stopped.set())
    try:
        its = settings.read_secrets_settings(os.environ)
    except SettingError as error:
        sys.exit(f"TURN's secrets are not followed: {error}")
    logs.configure("info")
    follow(its, stopped.wait)


if __name__ == "__main__":
    main()
