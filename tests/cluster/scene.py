"""Players who play and players who wait, and what must be as before when matchmakers and Redis have come and gone."""

import asyncio
import time
from collections import Counter

from tests.cluster.media import Player
from tests.cluster.replicas import Service

QUIET = 2.0
"""Seconds in which nothing is done, to see how far apart heartbeats are anyway."""


class Scene:
    """Players who play, and others who wait; what must be as before when all is over."""

    def __init__(self, it: Service) -> None:
        self.it = it
        self.playing: list[Player] = []
        self.waiting: list[Player] = []
        self.normal = 0.0
        self.began = 0.0

    async def begin(self, sessions: int, waiting: int) -> None:
        for number in range(sessions):
            await self.it.instance(f"demo-{number}")
            self.playing.append(self.it.player())
            await self.it.until(lambda: self.playing[-1].beats.times, "a player sees its stream")
        for number in range(waiting):
            self.waiting.append(self.it.player())
            await self.it.until(lambda at=number + 1: self.waiting[-1].position == at, "a player knows its position")
        since = time.monotonic()
        await asyncio.sleep(QUIET)
        self.normal = max(player.beats.longest(since) for player in self.playing)
        self.began = time.monotonic()

    async def all_back(self) -> None:
        """Everybody has a connection again, and has been told that all is well."""

        def back() -> bool:
            here = all(player.connected for player in (*self.playing, *self.waiting))
            going_on = all(player.state in {"ready", "resumed"} for player in self.playing)
            return here and going_on and all(player.state == "queued" for player in self.waiting)

        await self.it.until(back, "everybody is back")

    def check_sessions(self) -> None:
        """No session was lost, no offer made anew, no heartbeat is missing, and none came later than heartbeats do."""
        for streamer in self.it.streamers.values():
            assert len(streamer.offers) <= 1 and streamer.gone == []
        assert [player.offers for player in self.playing] == [1] * len(self.playing)
        for player in self.playing:
            numbers = player.beats.numbers
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "a heartbeat is missing"
        longest = max(player.beats.longest(self.began) for player in self.playing)
        assert longest < 1.0 + 3 * self.normal, f"{longest:.3f} s without a heartbeat, normally {self.normal:.3f} s"

    async def check_order(self) -> None:
        """Those who wait are served in the order in which they came, though all have come again since."""
        for number, player in enumerate(self.waiting):
            await self.it.instance(f"more-{number}")
            await self.it.until(lambda player=player: player.beats.times, "the next is served")
            assert not any(later.beats.times for later in self.waiting[number + 1 :]), "somebody has overtaken"

    async def check_pods(self) -> None:
        """Each session has the one instance that says so, and no instance was lost or taken twice."""
        pods = await self.it.pods()
        sessions = [labels["app.pixel/session"] for labels in pods.values() if "app.pixel/session" in labels]
        assert Counter(sessions) == Counter(player.session for player in (*self.playing, *self.waiting))
