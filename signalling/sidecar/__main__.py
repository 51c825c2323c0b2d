"""``python -m signalling.sidecar``: runs until SIGTERM; needs no cluster."""

import os
import sys

from signalling.shell import listening, logs
from signalling.shell.environment import SettingError
from signalling.sidecar import settings
from signalling.sidecar.server import SidecarServer
from signalling.tickets.keys import UnusableKeyError


async def _serve(its: settings.SidecarSettings) -> None:
    server = SidecarServer(its)
    await server.start()
    await listening.until_signal()
    await server.drain()
    await server.stop()


def main() -> None:
    """Read the settings, serve, let sessions end, stop in order."""
    try:
        its = settings.read(os.environ)
        logs.configure(its.log_level)
        listening.run(lambda: _serve(its))
    except (SettingError, UnusableKeyError) as error:
        sys.exit(f"the sidecar cannot start: {error}")


if __name__ == "__main__":
    main()
