import asyncio
import dataclasses

import av
from hypothesis import given
from hypothesis import strategies as st

from streamer import settings
from streamer.broadcast import Broadcast, Watcher
from streamer.encoder import EncodedFrame
from streamer.pacing import Pacing
from streamer.scene import Scene

SMALL = settings.read({"RES_X": "320", "RES_Y": "180", "FRAME_RATE": "60"})


def made(number: int, *, key: bool = False) -> EncodedFrame:
    return EncodedFrame(number, av.Packet(b"x"), key, 1)


def test_frames_are_due_at_even_times():
    pacing = Pacing(100.0, 30)
    assert pacing.due(0) == 100.0 and pacing.due(300) == 110.0
    assert pacing.current(100.0) == 0 and pacing.current(109.99) == 299 and pacing.current(pacing.due(7)) == 7


def test_a_late_frame_is_left_out_and_counted():
    pacing = Pacing(100.0, 30)
    assert pacing.following(9, pacing.due(9) + 0.001) == (10, 0)
    assert pacing.following(9, pacing.due(10) + 0.01) == (10, 0), "late, and still the one to show"
    assert pacing.following(9, pacing.due(12) + 0.001) == (12, 2)


@given(st.integers(1, 120), st.lists(st.floats(0, 0.5), min_size=1, max_size=50))
def test_the_clock_never_drifts_however_long_frames_take(rate, delays):
    pacing, now, last, dropped_in_all = Pacing(5.0, rate), 5.0, 0, 0
    for delay in delays:
        number, dropped = pacing.following(last, now)
        dropped_in_all += dropped
        assert dropped >= 0 and number == last + 1 + dropped
        now = max(now, pacing.due(number))
        assert now - pacing.due(number) <= 1 / rate + 1e-5, "what is shown is never older than one frame"
        last, now = number, now + delay
    assert last == len(delays) + dropped_in_all


async def test_a_watcher_begins_with_a_key_frame():
    watcher = Watcher()
    assert [watcher.put(made(n, key=n == 3)) for n in range(5)] == [0, 0, 0, 1, 2]
    assert [(await watcher.next()).number for _ in range(2)] == [3, 4]
    waiting = asyncio.create_task(watcher.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    watcher.put(made(5))
    assert (await waiting).number == 5
    watcher.put(made(6))
    watcher.restart()
    assert watcher.put(made(7)) == 0, "what waited is forgotten"


async def test_frames_are_drawn_only_while_somebody_watches():
    broadcast = Broadcast(SMALL, Scene)
    task = asyncio.create_task(broadcast.run())
    await asyncio.sleep(0.1)
    assert broadcast.frame == 0
    watcher = Watcher()
    broadcast.watch(watcher)
    async with asyncio.timeout(10):
        first = [await watcher.next() for _ in range(10)]
    assert first[0].key and not any(frame.key for frame in first[1:])
    broadcast.unwatch(watcher)
    broadcast.unwatch(watcher)
    await asyncio.sleep(0.1)
    last = broadcast.frame
    await asyncio.sleep(0.2)
    assert broadcast.frame == last
    broadcast.watch(watcher)
    async with asyncio.timeout(10):
        again = await watcher.next()
    assert again.key and again.number >= last + 10, "the numbers went on with the time, nobody counts them as dropped"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_watcher_that_takes_nothing_starts_over_and_holds_up_nobody():
    broadcast = Broadcast(dataclasses.replace(SMALL, frame_rate=30), Scene)
    task = asyncio.create_task(broadcast.run())
    slow, fast = Watcher(), Watcher()
    broadcast.watch(slow)
    broadcast.watch(fast)
    async with asyncio.timeout(20):
        taken = [await fast.next() for _ in range(45)]
    assert len(slow._frames) <= 30
    assert [frame.key for frame in taken].count(True) == 2, "one to begin with, one for the other to start over"
    async with asyncio.timeout(10):
        assert (await slow.next()).key
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_it_costs_is_measured():
    broadcast = Broadcast(SMALL, Scene)
    task = asyncio.create_task(broadcast.run())
    watcher = Watcher()
    broadcast.watch(watcher)
    async with asyncio.timeout(20):
        while not broadcast.figures.frame_rate:
            await watcher.next()
    figures = broadcast.figures
    assert 0 < figures.frame_rate <= 61 and figures.draw_ms > 0 and figures.encode_ms > 0 and figures.kilobits > 0
    assert "frames a second" in str(figures)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
