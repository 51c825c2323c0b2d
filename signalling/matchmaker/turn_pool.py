"""The TURN nodes that players are sent to, and the ``peerConnectionOptions`` made of them."""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final, Generic, TypeVar

import msgspec
from lightkube.resources.core_v1 import Node, Pod

from signalling.ice.credentials import turn_user
from signalling.ice.elsewhere import Elsewhere
from signalling.ice.nodes import turn_nodes
from signalling.ice.player import player_options
from signalling.ice.ranking import TurnNode, rank
from signalling.kubernetes.api import Changed, Event, Listed
from signalling.matchmaker.settings import TurnAccess
from signalling.protocol.messages import opaque

LOG: Final = logging.getLogger("matchmaker.turn")
Kind = TypeVar("Kind", Node, Pod)


class _Seen(Generic[Kind]):
    """What a watch shows, by name."""

    def __init__(self) -> None:
        self._items: Final[dict[str, Kind]] = {}

    @property
    def items(self) -> Collection[Kind]:
        return self._items.values()

    def observe(self, event: Event[Kind]) -> None:
        if isinstance(event, Listed):
            self._items.clear()
            self._items.update((_name(each), each) for each in event.items)
        elif isinstance(event, Changed):
            self._items[_name(event.item)] = event.item
        else:
            self._items.pop(_name(event.item), None)


class TurnPool:
    """The nodes whose coturn takes players, as the watches show them."""

    def __init__(
        self,
        access: TurnAccess,
        secret: Callable[[], str],
        elsewhere: Callable[[], Elsewhere],
        loads: Callable[[], Mapping[str, float]],
    ) -> None:
        """``elsewhere`` says which servers are not the pool's, ``loads`` how full nodes are (`LoadWatch`)."""
        self._access: Final = access
        self._secret: Final = secret
        self._elsewhere: Final = elsewhere
        self._loads: Final = loads
        self._seen_nodes: Final[_Seen[Node]] = _Seen()
        self._seen_pods: Final[_Seen[Pod]] = _Seen()
        self._nodes: list[TurnNode] = []

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def nodes(self) -> Collection[TurnNode]:
        """Those that take players."""
        return self._nodes

    def options(self, application: str, session: str, player: str) -> msgspec.Raw:
        """What a player builds its peer connection from; its credentials are its own in this session."""
        user, chosen, elsewhere = turn_user(session, player), self._chosen(session), self._elsewhere()
        options = player_options(
            application, user, chosen, self._access, secret=self._secret(), now=time.time(), elsewhere=elsewhere
        )
        if not options["iceServers"]:
            LOG.warning("no TURN node is known: a player that needs one will see no picture")
        return opaque(options)

    def nodes_of(self, session: str) -> list[str]:
        """The nodes that a session's player was sent to (as the pool is now)."""
        return [node.name for node in self._chosen(session)]

    def observe_node(self, event: Event[Node]) -> None:
        """The watch of the nodes says something."""
        self._seen_nodes.observe(event)
        self._count()

    def observe_pod(self, event: Event[Pod]) -> None:
        """The watch of coturn's pods says something."""
        self._seen_pods.observe(event)
        self._count()

    def _count(self) -> None:
        self._nodes = turn_nodes(self._seen_nodes.items, self._seen_pods.items)

    def _chosen(self, session: str) -> list[TurnNode]:
        return rank(session, self._nodes, self._loads())


def _name(thing: Node | Pod) -> str:
    return (thing.metadata.name if thing.metadata else None) or ""
