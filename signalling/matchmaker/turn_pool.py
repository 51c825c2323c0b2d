"""The TURN nodes that players are sent to, and the ``peerConnectionOptions`` made of them."""

import logging
import time
from collections.abc import Callable
from typing import Final

import msgspec
from lightkube.resources.core_v1 import Node

from signalling.ice.nodes import turn_nodes
from signalling.ice.player import player_options
from signalling.ice.ranking import TurnNode, rank
from signalling.kubernetes.api import Changed, Event, Listed
from signalling.matchmaker.settings import TurnAccess
from signalling.protocol.messages import opaque

LOG: Final = logging.getLogger("matchmaker.turn")


class TurnPool:
    """The nodes as the watch shows them."""

    def __init__(self, access: TurnAccess, secret: Callable[[], str]) -> None:
        self._access: Final = access
        self._secret: Final = secret
        self._nodes: Final[dict[str, Node]] = {}

    def __len__(self) -> int:
        return len(self._taking())

    def options(self, application: str, session: str) -> msgspec.Raw:
        """What a player builds its peer connection from; its credentials are this session's."""
        chosen = self._chosen(session)
        if not chosen:
            LOG.warning("no TURN node is known: a player that needs one will see no picture")
        return opaque(
            player_options(application, session, chosen, self._access, secret=self._secret(), now=time.time())
        )

    def nodes_of(self, session: str) -> list[str]:
        """The nodes that a session's player was sent to (as the pool is now)."""
        return [node.name for node in self._chosen(session)]

    def observe(self, event: Event[Node]) -> None:
        """The watch of the nodes says something."""
        if isinstance(event, Listed):
            self._nodes.clear()
            for node in event.items:
                self._nodes[_name(node)] = node
        elif isinstance(event, Changed):
            self._nodes[_name(event.item)] = event.item
        else:
            self._nodes.pop(_name(event.item), None)

    def _taking(self) -> list[TurnNode]:
        return turn_nodes(self._nodes.values(), None)

    def _chosen(self, session: str) -> list[TurnNode]:
        return rank(session, self._taking(), {})


def _name(node: Node) -> str:
    return (node.metadata.name if node.metadata else None) or ""
