"""The running demo: the scene, its players and what each of them may do."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from aiortc import RTCConfiguration

from streamer import ice
from streamer.broadcast import Broadcast
from streamer.conversation import Situation, answers, opening
from streamer.data_channel import MalformedError, Message, boolean, decode
from streamer.player import Player, PlayerFailedError
from streamer.scene import Event, Scene, unused_commands
from streamer.settings import Settings
from streamer.signalling_client import SignallingClient

_LOG = logging.getLogger(__name__)

_MOST_LOGGED = 1000


def _cancel_once(task: asyncio.Task[None]) -> None:
    """Cancel a player's task; a second time would interrupt the closing of its connection."""
    if not task.cancelling():
        task.cancel()


class Application:
    """Serves every player of the signalling connection from one scene and one encoder.

    Like an Unreal application it drops its players when the signalling connection is lost.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.scene = Scene()
        self.broadcast = Broadcast(settings, lambda: self.scene)
        self._signalling = SignallingClient(settings.signal_url, settings.streamer_id, self)
        self._configuration: RTCConfiguration = ice.configuration({})
        self._players: dict[str, tuple[Player, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        """Also those of players that are gone and whose connections are still closing."""
        self._quality_owner: str | None = None
        self._logged: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set, then close every player's connection; raises what ended the drawing."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.broadcast.run()), group.create_task(self._signalling.run())]
            await stop.wait()
            _LOG.info("told to end, %d players are let go", len(self._players))
            await self.disconnected()
            for task in tasks:
                task.cancel()

    def configured(self, options: Mapping[str, Any]) -> None:
        """ICE servers and policy for the players that come from now on."""
        self._configuration = ice.configuration(options)

    def player_message(self, message: Mapping[str, Any]) -> None:
        """A signalling message about one player; one about a player that is not here is ignored."""
        identity = message.get("playerId")
        if not isinstance(identity, str):
            _LOG.warning("a %s message without a playerId is ignored", message["type"])
        elif message["type"] == "playerConnected":
            self._begin(identity)
        elif identity not in self._players:
            _LOG.info("a %s message for player %.80s, who is not here, is ignored", message["type"], identity)
        elif message["type"] == "playerDisconnected":
            _cancel_once(self._players[identity][1])
        elif message["type"] == "offer":
            _LOG.warning("player %s: its offer is ignored, this streamer makes the offers", identity)
        else:
            self._players[identity][0].deliver(message)

    async def disconnected(self) -> None:
        """Close the connections of all players."""
        for task in self._tasks:
            _cancel_once(task)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, identity: str) -> None:
        if identity in self._players:
            _cancel_once(self._players[identity][1])
        player = Player(identity, self.broadcast, self._configuration, self._opened, self._received)
        task = asyncio.create_task(self._serve(player), name=f"player {identity}")
        self._players[identity] = (player, task)
        # Not in the task itself: one that is cancelled before its first step never runs its own ending.
        task.add_done_callback(lambda _task: self._end(player))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.scene = self.scene.join(identity)
        _LOG.info("player %s is here, %d in all", identity, len(self._players))

    async def _serve(self, player: Player) -> None:
        async def offer(sdp: str) -> None:
            await self._signalling.send({"type": "offer", "playerId": player.identity, "sdp": sdp})

        try:
            await player.run(offer)
        except PlayerFailedError as error:
            _LOG.warning("player %s is let go: %s", player.identity, error)
            reason = f"The streamer lost the player: {error}."
            await self._signalling.send({"type": "disconnectPlayer", "playerId": player.identity, "reason": reason})
        except Exception:
            _LOG.exception("player %s is let go", player.identity)
            message = {"type": "disconnectPlayer", "playerId": player.identity, "reason": "The streamer failed."}
            await self._signalling.send(message)

    def _end(self, player: Player) -> None:
        identity = player.identity
        if identity in self._players and self._players[identity][0] is player:
            del self._players[identity]
            self.scene = self.scene.leave(identity)
            if self._quality_owner == identity:
                self._give_quality_control(next(iter(self._players), None))
            _LOG.info("player %s is gone, %d left", identity, len(self._players))

    def _give_quality_control(self, identity: str | None) -> None:
        """Let one player own the quality; the one that had it is told that it has it no more."""
        before, self._quality_owner = self._quality_owner, identity
        for owner, owns in ((before, False), (identity, True)):
            if owner in self._players and (owns or before != identity):
                self._players[owner][0].send(boolean("QualityControlOwnership", owns))

    def _opened(self, player: Player) -> None:
        for data in opening():
            player.send(data)

    def _received(self, player: Player, data: bytes) -> None:
        try:
            message = decode(data)
        except MalformedError as error:
            if self._first(f"malformed {player.identity}"):
                _LOG.warning("player %s: ignored what it sent: %s", player.identity, error)
            return
        received_ms = time.time() * 1000
        gamepad = self.scene.free_gamepad()
        self._control(player, message)
        self.scene = self.scene.apply(Event(player.identity, self.broadcast.frame, message))
        situation = Situation(
            self._settings, self.scene, self.broadcast.frame, self.broadcast.figures, gamepad, received_ms
        )
        for answer in answers(player.identity, message, situation):
            player.send(answer)

    def _control(self, player: Player, message: Message) -> None:
        match message.name:
            case "IFrameRequest":
                self.broadcast.request_key()
            case "RequestQualityControl":
                self._give_quality_control(player.identity)
            case "StartStreaming":
                player.track.resume()
            case "StopStreaming":
                player.track.pause()
            case "Command":
                for name in unused_commands(message):
                    if self._first(f"command {name}"):
                        _LOG.info("command %.60r is ignored: the stream is the same for all players", name)

    def _first(self, key: str) -> bool:
        """Whether something happens for the first time; no player can fill the log, or memory, by doing it again."""
        if key in self._logged or len(self._logged) >= _MOST_LOGGED:
            return False
        self._logged.add(key)
        return True
