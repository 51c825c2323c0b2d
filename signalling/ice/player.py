"""One player's ICE servers, from everything that has a say in them. Pure."""

from collections.abc import Sequence

from signalling.ice.credentials import turn_credentials
from signalling.ice.elsewhere import NOTHING, ApplicationIce, Elsewhere
from signalling.ice.ranking import TurnNode
from signalling.ice.servers import PoolAccess, external_servers, peer_connection_options, pool_servers


def player_options(
    application: str,
    user: str,
    nodes: Sequence[TurnNode],
    access: PoolAccess,
    *,
    secret: str,
    now: float,
    elsewhere: Elsewhere = NOTHING,
) -> dict[str, object]:
    """``peerConnectionOptions`` of a player.

    ``user`` is whom the credentials are for (`turn_user`), ``nodes`` those that `rank` chose, ``secret`` what signs for
    the pool now, ``now`` Unix time in seconds.
    """
    own = elsewhere.applications.get(application, ApplicationIce())
    policy = own.transport_policy or access.transport_policy
    if own.servers:
        return peer_connection_options(own.servers, policy)
    seconds = access.credential_seconds
    credentials = turn_credentials(secret, user, now, seconds)
    addresses = [node.address for node in nodes]
    servers = (
        *pool_servers(addresses, access.port, credentials, policy, access.tls),
        *external_servers(elsewhere.external, user, now, seconds),
    )
    return peer_connection_options(servers, policy)
