"""Which connection has a player: of several the latest. The one before gives way, on this replica or another."""

from typing import Final

from signalling.matchmaker.connections import Connections
from signalling.matchmaker.leases import Leases
from signalling.matchmaker.player import Player
from signalling.matchmaker.queues import Queues


class Holding:
    """Of one replica's connections."""

    def __init__(self, connections: Connections, leases: Leases, queues: Queues) -> None:
        self._connections: Final = connections
        self._leases: Final = leases
        self._queues: Final = queues

    async def take(self, player: Player) -> None:
        """This connection is the player's from now on."""
        if player.gone:
            return
        before = self._connections.hold(player)
        if before is not None:
            self._give_way(before)
        player.epoch = await self._leases.take(player.ticket.player)
        if player.gone:
            # When it left there was no lease to give back.
            await self._leases.release(player.ticket.player, player.epoch)

    def taken_over(self, player_id: str, epoch: int) -> None:
        """A later connection has the player, with this epoch. One here that has none yet may be later still."""
        player = self._connections.of(player_id)
        if player is not None and 0 < player.epoch < epoch:
            self._give_way(player)

    def followed(self, player_id: str, epoch: int) -> None:
        """A later connection has followed the one with this epoch."""
        self._leases.lost(player_id, epoch)
        self.taken_over(player_id, epoch + 1)

    def _give_way(self, player: Player) -> None:
        """Of one that is connected to an instance, the sidecar ends it."""
        if player.waiting:
            self._queues.leave(player.ticket.app, player.ticket.session, player.epoch)
            player.do(player.relay.taken_over())
