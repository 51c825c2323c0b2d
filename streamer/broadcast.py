"""Draws and encodes frames while somebody watches, and hands every packet to all who do."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from streamer.encoder import EncodedFrame, Encoder
from streamer.pacing import Pacing
from streamer.picture.painter import Moment, Painter
from streamer.scene import Scene
from streamer.settings import Settings

_LOG = logging.getLogger(__name__)

_REPORT_SECONDS = 10.0
_RECENT_SECONDS = 2.0
_KEY_FRAME_PAUSE = 0.3
"""Key frames of several requests are one when they come within so many seconds."""
_SLOW = 0.9


@dataclass(frozen=True, slots=True)
class Figures:
    """What the last seconds of drawing and encoding were like."""

    frame_rate: float = 0.0
    dropped: int = 0
    draw_ms: float = 0.0
    encode_ms: float = 0.0
    kilobits: float = 0.0
    """A second."""

    def __str__(self) -> str:
        return (
            f"{self.frame_rate:.1f} frames a second, {self.dropped} dropped, {self.draw_ms:.1f} ms to draw, "
            f"{self.encode_ms:.1f} ms to encode, {self.kilobits:.0f} kbit/s"
        )


class Watcher:
    """One receiver of the stream: frames wait here until they are taken; one that takes them too slowly starts over."""

    def __init__(self) -> None:
        self._frames: deque[EncodedFrame] = deque()
        self._ready = asyncio.Event()
        self._waits_for_key = True

    def restart(self) -> None:
        """Forget the frames that wait; the next one will be a key frame."""
        self._frames.clear()
        self._waits_for_key = True

    def put(self, frame: EncodedFrame) -> int:
        """Add a frame unless a key frame must come first; gives how many wait now."""
        if frame.key:
            self._waits_for_key = False
        if not self._waits_for_key:
            self._frames.append(frame)
            self._ready.set()
        return len(self._frames)

    async def next(self) -> EncodedFrame:
        """The next frame in order; the first of all is a key frame."""
        while not self._frames:
            self._ready.clear()
            await self._ready.wait()
        return self._frames.popleft()


class Broadcast:
    """The picture of an instance as one encoded stream. Draws only while there is a watcher."""

    def __init__(self, settings: Settings, scene: Callable[[], Scene]) -> None:
        self._settings = settings
        self._scene = scene
        self._painter = Painter(settings.width, settings.height, settings.frame_rate, settings.streamer_id)
        self._encoder = Encoder(settings.width, settings.height, settings.frame_rate, settings.bitrate)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="picture")
        self._watchers: list[Watcher] = []
        self._watched = asyncio.Event()
        self._pacing = Pacing(time.monotonic(), settings.frame_rate)
        self._key_wanted = False
        self._last_key = -_KEY_FRAME_PAUSE
        self._recent, self._long = _Tally(), _Tally()
        self.figures = Figures()
        self.frame = 0
        """Number of the last frame that was drawn."""

    def watch(self, watcher: Watcher) -> None:
        """Begin to give frames to a watcher, with a key frame first; no harm if that was so already."""
        if watcher not in self._watchers:
            watcher.restart()
            self._watchers.append(watcher)
            self.request_key()
            self._watched.set()

    def unwatch(self, watcher: Watcher) -> None:
        """Give it no more frames; no harm if that was so already."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)
        if not self._watchers:
            self._watched.clear()

    def request_key(self) -> None:
        """Make one of the next frames a key frame."""
        self._key_wanted = True

    async def run(self) -> None:
        """Draw frames at their times until cancelled; raises what drawing or encoding raised."""
        try:
            while True:
                if not self._watched.is_set():
                    await self._watched.wait()
                    self._recent, self._long = _Tally(), _Tally()
                    self.frame = self._pacing.current(time.monotonic())
                await self._next()
        finally:
            self._worker.shutdown(wait=True)

    async def _next(self) -> None:
        number, dropped = self._pacing.following(self.frame, time.monotonic())
        await asyncio.sleep(max(0.0, self._pacing.due(number) - time.monotonic()))
        now = time.monotonic()
        key = self._key_wanted and now - self._last_key >= _KEY_FRAME_PAUSE
        if key:
            self._key_wanted, self._last_key = False, now
        make = asyncio.get_running_loop().run_in_executor(self._worker, self._make, self._scene(), number, key)
        made = await make
        self.frame = number
        for watcher in tuple(self._watchers):
            if watcher.put(made.frame) > self._settings.frame_rate:
                watcher.restart()
                self.request_key()
        self._recent.add(made, dropped)
        self._long.add(made, dropped)
        self._report()

    def _make(self, scene: Scene, number: int, key: bool) -> "_Made":
        started = time.perf_counter()
        moment = Moment(number, self._settings.frame_rate, time.time(), str(self.figures))
        canvas = self._painter.draw(scene, moment)
        drawn = time.perf_counter()
        frame = self._encoder.encode(canvas.planes, number, key=key)
        return _Made(frame, drawn - started, time.perf_counter() - drawn)

    def _report(self) -> None:
        if self._recent.elapsed() >= _RECENT_SECONDS:
            self.figures, self._recent = self._recent.figures(), _Tally()
        if self._long.elapsed() >= _REPORT_SECONDS:
            figures, self._long = self._long.figures(), _Tally()
            slow = figures.frame_rate < _SLOW * self._settings.frame_rate
            level, warning = (logging.WARNING, "this machine is too slow: ") if slow else (logging.INFO, "")
            _LOG.log(level, "%s%d watching, %s", warning, len(self._watchers), figures)


@dataclass(frozen=True, slots=True)
class _Made:
    frame: EncodedFrame
    draw: float
    encode: float


class _Tally:
    def __init__(self) -> None:
        self._started = time.monotonic()
        self._frames = self._dropped = self._bytes = 0
        self._draw = self._encode = 0.0

    def add(self, made: _Made, dropped: int) -> None:
        self._frames += 1
        self._dropped += dropped
        self._bytes += made.frame.size
        self._draw += made.draw
        self._encode += made.encode

    def elapsed(self) -> float:
        return time.monotonic() - self._started

    def figures(self) -> Figures:
        frames, elapsed = max(self._frames, 1), self.elapsed()
        return Figures(
            frame_rate=self._frames / elapsed,
            dropped=self._dropped,
            draw_ms=1000 * self._draw / frames,
            encode_ms=1000 * self._encode / frames,
            kilobits=self._bytes * 8 / 1000 / elapsed,
        )
