"""``python -m signalling.turn``: writes coturn's configuration for the pod's node, once, then ends."""

import os
import secrets
import sys
from pathlib import Path

from lightkube import ApiError, Client
from lightkube.resources.core_v1 import Node

from signalling.kubernetes.nodes import addresses_of
from signalling.shell.environment import SettingError
from signalling.turn import settings
from signalling.turn.configuration import TurnConfiguration, TurnConfigurationError, render


def configuration(its: settings.ConfigurationSettings, node: Node, console_password: str) -> TurnConfiguration:
    """The configuration of coturn on ``node``."""
    addresses = addresses_of(node)
    if addresses.internal is None:
        raise TurnConfigurationError(f"node {its.node_name!r} has no InternalIP: wait until its kubelet reports one")
    return TurnConfiguration(
        listening_address=addresses.internal,
        external_address=addresses.external,
        realm=its.turn_realm,
        port=its.turn_port,
        tls_port=its.turn_tls_port,
        certificate_folder=its.turn_certificate_folder or None,
        min_port=its.turn_min_port,
        max_port=its.turn_max_port,
        allowed_peers=tuple(part.strip() for part in its.turn_allowed_peers.split(",") if part.strip()),
        user_quota=its.turn_user_quota,
        total_quota=its.turn_total_quota,
        max_mbps=its.turn_max_mbps,
        capacity_mbps=its.turn_capacity_mbps,
        console_port=its.turn_console_port,
        console_password=console_password,
        state_folder=str(its.turn_configuration.parent),
        log_folder=str(its.turn_log_folder),
    )


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def main() -> None:
    """Read the node, render, write."""
    try:
        its = settings.read_configuration(os.environ)
        node = Client().get(Node, its.node_name)
        password = secrets.token_hex(16)
        write_private(its.console_password_file, password)
        write_private(its.turn_configuration, render(configuration(its, node, password)))
    except (SettingError, TurnConfigurationError, ApiError, OSError) as error:
        sys.exit(f"TURN is not configured: {error}")


if __name__ == "__main__":
    main()
