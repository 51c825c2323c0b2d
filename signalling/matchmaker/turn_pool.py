"""The TURN nodes that players are sent to, and the ``peerConnectionOptions`` made of them."""

import logging
import time
from collections.abc import Callable
from typing import Final

import msgspec
from lightkube.resources.core_v1 import Node

from signalling.ice.credentials import turn_credentials
from signalling.ice.servers import chosen_for, peer_connection_options
from signalling.kubernetes.api import Changed, Event, Listed
from signalling.kubernetes.nodes import turn_address
from signalling.matchmaker.settings import TurnAccess
from signalling.protocol.messages import opaque

LOG: Final = logging.getLogger("matchmaker.turn")


class TurnPool:
    """The nodes as the watch shows them."""

    def __init__(self, access: TurnAccess, secret: Callable[[], str]) -> None:
        self._access: Final = access
        self._secret: Final = secret
        self._addresses: Final[dict[str, str]] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    def options(self, session: str) -> msgspec.Raw:
        """What a player builds its peer connection from; its credentials are this session's."""
        its = self._access
        if not self._addresses:
            LOG.warning("no TURN node is known: a player that needs one will see no picture")
        credentials = turn_credentials(self._secret(), session, time.time(), its.credential_seconds)
        chosen = chosen_for(session, set(self._addresses.values()))
        return opaque(peer_connection_options(chosen, its.port, credentials, its.transport_policy, its.tls))

    def nodes_of(self, session: str) -> list[str]:
        """The nodes that a session's player was sent to (as the pool is now)."""
        nodes = {address: node for node, address in self._addresses.items()}
        return [nodes[address] for address in chosen_for(session, nodes)]

    def observe(self, event: Event[Node]) -> None:
        """The watch of the nodes says something."""
        if isinstance(event, Listed):
            self._addresses.clear()
            for node in event.items:
                self._set(node, turn_address(node))
        else:
            self._set(event.item, turn_address(event.item) if isinstance(event, Changed) else None)

    def _set(self, node: Node, address: str | None) -> None:
        name = (node.metadata.name if node.metadata else None) or ""
        if address is None:
            self._addresses.pop(name, None)
        else:
            self._addresses[name] = address
