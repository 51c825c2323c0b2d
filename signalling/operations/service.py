"""What the API asks of the matchmaker, as an interface."""

from collections.abc import Sequence
from typing import Protocol

from signalling.operations.definitions import (
    Application,
    Instance,
    Node,
    Player,
    Queue,
    RegionRoom,
    Session,
    TurnNode,
)
from signalling.protocol.session_messages import Reason


class Service(Protocol):
    """Any replica answers for all. Besides what is said below any method may raise Away."""

    @property
    def region(self) -> str:
        """This region's name; empty where there is only one."""
        ...

    async def sessions(self) -> Sequence[Session]:
        """All that wait or go on, without their players; of one that goes on it is left open where its owner is."""
        ...

    async def players(self, session: Session) -> tuple[Player, ...] | None:
        """Who takes part, asked of the session's instance; None if there is none, it does not say, or all is over."""
        ...

    async def end(self, session: str, reason: Reason, seconds: float) -> float:
        """End a session after a warning, or take it out of the queue; the seconds of warning it gets. Raises Absent."""
        ...

    async def dismiss(self, session: str, reason: Reason) -> None:
        """Take a session out of the queue. Raises Absent; InTheWay for one that has an instance by now."""
        ...

    async def instances(self) -> Sequence[Instance]:
        """All of them."""
        ...

    async def drain_instance(self, instance: str, seconds: float) -> float:
        """No session any more; one that goes on ends after a warning, of so many seconds. Raises Absent."""
        ...

    async def applications(self) -> Sequence[Application]:
        """All of the stack."""
        ...

    async def pause(self, application: str, *, paused: bool) -> None:
        """Let nobody new in, or let them in again. Raises Absent; InTheWay for one without a fleet."""
        ...

    async def drain_version(self, application: str, version: str, *, drained: bool) -> None:
        """Give a version no new sessions, or give it some again. Raises Absent."""
        ...

    async def set_buffer(self, application: str, version: str, instances: int | None) -> None:
        """Keep so many warm, or what the stack says (None). Raises Absent; InTheWay where nobody would follow."""
        ...

    async def queue(self, application: str, limit: int) -> Queue:
        """The first of those who wait. Raises Absent."""
        ...

    async def nodes(self) -> Sequence[Node]:
        """All of the cluster."""
        ...

    async def turn_nodes(self) -> Sequence[TurnNode]:
        """Those of the TURN pool."""
        ...

    async def regions(self) -> Sequence[RegionRoom]:
        """What is known of the peers."""
        ...
