"""``python -m signalling.sidecar``: runs until SIGTERM; needs no cluster."""

import os
import sys

from signalling.shell import listening, logs
from signalling.shell.environment import SettingError
from signalling.sidecar import settings
from signalling.sidecar.server import SidecarServer


async def _serve(its: settings.SidecarSettings) -> None:
    server = SidecarServer(its)
    await server.start()
    await listening.until_signal()
    await server.stop()


def main() -> None:
    """Read the settings, serve, stop in order."""
    try:
        its = settings.read(os.environ)
    except SettingError as error:
        sys.exit(str(error))
    logs.configure(its.log_level)
    listening.run(lambda: _serve(its))


if __name__ == "__main__":
    main()
