"""``python -m capacity.controller``: runs until SIGTERM, in the cluster or with the kubeconfig of ``KUBECONFIG``."""

import os
import sys

from lightkube import AsyncClient
from lightkube.core.exceptions import ConfigError

from capacity.controller import settings
from capacity.controller.server import Controller
from signalling.shell import listening, logs
from signalling.shell.environment import SettingError


async def _serve(its: settings.ControllerSettings) -> None:
    stack = settings.read_stack(its.settings)
    client = AsyncClient()
    try:
        controller = Controller(client, its, stack)
        await controller.start()
        await listening.until_signal()
        await controller.stop()
    finally:
        await client.close()


def main() -> None:
    """Read the settings, keep capacity, stop in order."""
    try:
        its = settings.read(os.environ)
        logs.configure(its.log_level)
        listening.run(lambda: _serve(its))
    except (SettingError, ConfigError) as error:
        sys.exit(f"the fleet controller cannot start: {error}")


if __name__ == "__main__":
    main()
