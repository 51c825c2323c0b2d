"""The players' connections of one replica, and the instances they lead to."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from signalling.matchmaker.player import Player


class Connections:
    """All of them. Of several connections of one player the latest is the player's."""

    def __init__(self) -> None:
        self._all: Final[set[Player]] = set()
        self._by_player: Final[dict[str, Player]] = {}
        self._relayed: Final[Counter[str]] = Counter()
        self._empty: Final = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Player]:
        return iter(list(self._all))

    def add(self, player: Player) -> None:
        """A connection is here; whose it is may still change."""
        self._all.add(player)
        self._empty.clear()

    def hold(self, player: Player) -> Player | None:
        """From now on this is the connection of the player that its ticket names; the one before, if there was one."""
        before = self._by_player.get(player.ticket.player)
        self._by_player[player.ticket.player] = player
        return before if before is not player else None

    def remove(self, player: Player) -> None:
        """A connection is gone."""
        self._all.discard(player)
        if not self._all:
            self._empty.set()
        self.release(player)

    def release(self, player: Player) -> None:
        """It is not the connection of the player that its ticket names any more."""
        if self._by_player.get(player.ticket.player) is player:
            del self._by_player[player.ticket.player]

    async def emptied(self, seconds: float) -> None:
        """Wait until there is none, or for so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), seconds)

    def of(self, player: str) -> Player | None:
        """The connection of a player. A session's owner has the session's name."""
        return self._by_player.get(player)

    def relayed(self, instance: str) -> bool:
        """Whether any connection leads to an instance."""
        return self._relayed[instance] > 0

    def met(self, instance: str) -> None:
        """One more leads there."""
        self._relayed[instance] += 1

    def parted(self, instance: str) -> None:
        """One less."""
        self._relayed[instance] -= 1
        if self._relayed[instance] <= 0:
            del self._relayed[instance]
