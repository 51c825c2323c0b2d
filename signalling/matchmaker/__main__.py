"""``python -m signalling.matchmaker``: runs until SIGTERM, in the cluster or with the kubeconfig of ``KUBECONFIG``."""

import os
import secrets
import sys
from pathlib import Path

from lightkube import AsyncClient
from lightkube.core.exceptions import ConfigError

from signalling.ice.elsewhere import FollowedElsewhere
from signalling.ice.secret import SecretError, SigningSecret
from signalling.kubernetes.api import LightkubeApi
from signalling.matchmaker import settings
from signalling.matchmaker.front import MatchmakerFront, read_secret_files
from signalling.matchmaker.issuing import Issuer
from signalling.matchmaker.page import page_files
from signalling.matchmaker.replica import Surroundings
from signalling.matchmaker.server import MatchmakerServer
from signalling.records.redis import RedisRecords
from signalling.shell import listening, logs
from signalling.shell.environment import SettingError
from signalling.store.in_memory import MemoryStore
from signalling.store.in_redis import RedisStore
from signalling.store.interface import Store
from signalling.tickets.keys import UnusableKeyError


def store_of(folder: Path, seconds: float) -> Store:
    """The store that the replicas share: Redis where its address is in the folder, else this process' own memory."""
    try:
        url = (folder / "url").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return MemoryStore()
    password = folder / "password"
    return RedisStore(url, password if password.exists() else None, seconds=seconds)


async def _serve(its: settings.MatchmakerSettings, places: settings.Places) -> None:
    stack = settings.read_stack(its.settings)
    client = AsyncClient()
    store = store_of(places.redis_folder, its.store_seconds)
    try:
        issuer = Issuer(SigningSecret(places.ticket_seed_file))
        api = LightkubeApi(client, stack.instances_namespace)
        records = RedisRecords(store.client) if isinstance(store, RedisStore) else None
        secret_files = read_secret_files(stack, places)
        front = MatchmakerFront(
            its, stack, secret_files, issuer, api, shared=records, operator_folder=places.operator_page
        )
        around = Surroundings(
            # A container that is started anew in its pod is another replica: what the one before held is lost.
            name=f"{places.hostname}-{secrets.token_hex(4)}",
            api=api,
            store=store,
            issuer=issuer,
            turn_secret=SigningSecret(places.turn_secret_file),
            elsewhere=FollowedElsewhere(places.ice_servers_file),
            admission=front.admission,
            chronicle=front.chronicle,
        )
        files = page_files(places.player_page, front.page_allowed)
        server = MatchmakerServer(its, stack, around, files, front)
        await server.start()
        await listening.until_signal()
        await server.stop()
    finally:
        await store.close()
        await client.close()


def main() -> None:
    """Read the settings, serve, stop in order."""
    try:
        its, places = settings.read(os.environ)
        logs.configure(its.log_level)
        listening.run(lambda: _serve(its, places))
    except (SettingError, SecretError, UnusableKeyError, ConfigError) as error:
        sys.exit(f"the matchmaker cannot start: {error}")


if __name__ == "__main__":
    main()
