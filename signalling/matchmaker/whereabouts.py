"""Where a session is that goes on: by the label of its instance or, where sessions share one, by the store."""

from typing import Final

from signalling.kubernetes.instances import Instance
from signalling.matchmaker.inventory import Inventory
from signalling.matchmaker.neighbours import Neighbours
from signalling.matchmaker.settings import ApplicationSettings
from signalling.store.interface import Store, StoreUnavailable


class Whereabouts:
    """Of all sessions."""

    def __init__(self, inventory: Inventory, store: Store, neighbours: Neighbours, seconds: float) -> None:
        """``seconds`` is how long the store remembers the instance of a session that shares one."""
        self._inventory: Final = inventory
        self._store: Final = store
        self._neighbours: Final = neighbours
        self._seconds: Final = seconds

    async def instance_of(self, application: ApplicationSettings, session: str) -> Instance | None:
        """The instance that a session has; None for one that has none, or that nobody knows of any more.

        One that is being deleted still has it: its sidecar gives the session time to end.
        """
        if not application.shared:
            return self._inventory.of_session(session)
        try:
            name = await self._store.get(_seat_key(session))
        except StoreUnavailable as error:
            self._neighbours.lost(error)
            return None
        return self._inventory.get(name) if name is not None else None

    async def remember(self, session: str, instance: Instance) -> None:
        """A session has joined a shared instance."""
        try:
            await self._store.put(_seat_key(session), instance.name, self._seconds)
        except StoreUnavailable as error:
            self._neighbours.lost(error)


def _seat_key(session: str) -> str:
    return f"seat:{session}"
