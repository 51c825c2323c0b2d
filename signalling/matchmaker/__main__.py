"""``python -m signalling.matchmaker``: runs until SIGTERM, in the cluster or with the kubeconfig of ``KUBECONFIG``."""

import os
import sys

from lightkube import AsyncClient
from lightkube.core.exceptions import ConfigError

from signalling.ice.secret import SecretError, SigningSecret
from signalling.kubernetes.api import LightkubeApi
from signalling.matchmaker import settings
from signalling.matchmaker.page import page_files
from signalling.matchmaker.server import MatchmakerServer
from signalling.shell import listening, logs
from signalling.shell.environment import SettingError


async def _serve(its: settings.MatchmakerSettings, places: settings.Places) -> None:
    stack = settings.read_stack(its.settings)
    secret = SigningSecret(places.turn_secret_file)
    client = AsyncClient()
    try:
        api = LightkubeApi(client, stack.instances_namespace)
        server = MatchmakerServer(its, stack, secret, page_files(places.player_page), api)
        await server.start()
        await listening.until_signal()
        await server.stop()
    finally:
        await client.close()


def main() -> None:
    """Read the settings, serve, stop in order."""
    try:
        its, places = settings.read(os.environ)
        logs.configure(its.log_level)
        listening.run(lambda: _serve(its, places))
    except (SettingError, SecretError, ConfigError) as error:
        sys.exit(f"the matchmaker cannot start: {error}")


if __name__ == "__main__":
    main()
