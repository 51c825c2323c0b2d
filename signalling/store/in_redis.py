"""The store of several matchmakers: Redis or Valkey, with or without replicas of its own; not sharded.

Every key begins with one prefix, and every key ends by itself.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import ResponseError

from signalling.store import scripts
from signalling.store.interface import HIGHEST_PRIORITY, Claimant, Heard, Lease, Place, StoreUnavailable, Waiting

PREFIX: Final = "pixel:"
AT_ONCE: Final = 16
"""Connections for questions."""
SPARE: Final = 4
"""And for signs of life, and to listen."""
PAGE: Final = 1000
"""What is read or written at once of something long: other commands wait for that long."""
JUST_NOW: Final = "it did not answer a moment ago"
_STEP: Final = 2**42
"""Between the scores of two priorities: more milliseconds than there are until the year 2109."""
_BEGAN_SECONDS: Final = 30 * 86_400


class PasswordFile(CredentialProvider):
    """A password in a file, which is read for each connection: a mounted Secret may change."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """The password of the user `default`."""
        return (self._path.read_text(encoding="ascii").strip(),)


def score_of(place: Place) -> int:
    """A place as a score: Redis's is a float, exact up to 2^53."""
    return place.joined - max(-HIGHEST_PRIORITY, min(place.priority, HIGHEST_PRIORITY)) * _STEP


def place_of(session: str, score: float) -> Place:
    """The place that a score stands for."""
    below, joined = divmod(int(score), _STEP)
    return Place(session, joined, -below)


class RedisStore:
    """See Store."""

    def __init__(self, url: str, password: Path | None = None, prefix: str = PREFIX, seconds: float = 2.0) -> None:
        """``redis://host:port`` or ``rediss://`` for TLS. An answer that takes longer than ``seconds`` is none."""
        self._prefix: Final = prefix
        self._seconds: Final = seconds
        self._redis: Final[Redis] = Redis(
            connection_pool=BlockingConnectionPool.from_url(
                url,
                max_connections=AT_ONCE + SPARE,
                timeout=seconds,
                socket_timeout=seconds,
                socket_connect_timeout=seconds,
                decode_responses=True,
                # Once more, for a connection that was cut while it lay idle; what comes after that is the caller's.
                retry=Retry(NoBackoff(), 1),
                credential_provider=PasswordFile(password) if password else None,
            )
        )
        # Thousands of players may come or go at once: they wait here, where it is no sign of Redis being away.
        self._turns: Final = asyncio.Semaphore(AT_ONCE)
        self._away_until = 0.0
        self._scripts: Final = {
            text: self._redis.register_script(text)
            for text in (
                *(scripts.WAIT, scripts.LEAVE, scripts.HEAD, scripts.LEASE, scripts.HOLD, scripts.RELEASE),
                *(scripts.BEGAN, scripts.REGISTER, scripts.MEMBERS),
            )
        }

    @property
    def client(self) -> Redis:
        """The connections, for what else is kept in the same place; it gives texts."""
        return self._redis

    async def wait(
        self, application: str, replica: str, claimants: Sequence[Claimant], seconds: float
    ) -> frozenset[str]:
        """See Store."""
        taken: set[str] = set()
        for first in range(0, len(claimants), PAGE):
            some = claimants[first : first + PAGE]
            said = [(each.place.session, score_of(each.place), each.epoch) for each in some]
            flat = [part for each in said for part in each]
            taken.update(await self._run(scripts.WAIT, self._queue(application), [replica, _ms(seconds), *flat]))
        return frozenset(taken)

    async def leave(self, application: str, epochs: Mapping[str, int], keep: float = 0) -> None:
        """See Store."""
        sessions = list(epochs)
        for first in range(0, len(sessions), PAGE):
            some = sessions[first : first + PAGE]
            keys = [*self._queue(application), *(self._key("kept", application, session) for session in some)]
            said = [part for session in some for part in (session, epochs[session])]
            await self._run(scripts.LEAVE, keys, [_ms(keep) if keep > 0 else 0, *said])

    async def keep(self, application: str, place: Place, seconds: float) -> None:
        """See Store."""
        name = self._key("kept", application, place.session)
        if seconds > 0:
            await self._ask(self._redis.set, name, score_of(place), px=_ms(seconds))
        else:
            await self._ask(self._redis.delete, name)

    async def head(self, application: str, start: int, count: int) -> Sequence[Waiting]:
        """See Store."""
        found: list[Waiting] = []
        while len(found) < count:
            first = start + len(found)
            last = min(first + PAGE, start + count) - 1
            flat: list[str] = await self._run(scripts.HEAD, self._queue(application), [first, last])
            found += [Waiting(*pair) for pair in zip(flat[::2], flat[1::2], strict=True)]
            if len(flat) < 2 * (last - first + 1):
                break
        return found

    async def length(self, application: str) -> int:
        """See Store."""
        order, *_ = self._queue(application)
        return int(await self._ask(self._redis.zcard, order))

    async def place(self, application: str, session: str) -> Place | None:
        """See Store."""
        order, *_ = self._queue(application)
        score: float | str | None = await self._ask(self._redis.zscore, order, session)
        if score is None:
            score = await self._ask(self._redis.get, self._key("kept", application, session))
        return None if score is None else place_of(session, float(score))

    async def lease(self, player: str, replica: str, seconds: float) -> tuple[Lease, Lease | None]:
        """See Store."""
        epoch, before = await self._run(scripts.LEASE, [self._key("lease", player)], [replica, _ms(seconds)])
        return Lease(replica, int(epoch)), _lease_of(before)

    async def hold(self, replica: str, epochs: Mapping[str, int], seconds: float) -> frozenset[str]:
        """See Store."""
        taken: set[str] = set()
        players = list(epochs)
        for first in range(0, len(players), PAGE):
            some = players[first : first + PAGE]
            keys = [self._key("lease", player) for player in some]
            said = [epochs[player] for player in some]
            lost: list[int] = await self._run(scripts.HOLD, keys, [replica, _ms(seconds), *said])
            taken.update(some[index - 1] for index in lost)
        return frozenset(taken)

    async def leased(self, player: str) -> Lease | None:
        """See Store."""
        return _lease_of(await self._ask(self._redis.get, self._key("lease", player)))

    async def release(self, epochs: Mapping[str, int]) -> None:
        """See Store."""
        players = list(epochs)
        for first in range(0, len(players), PAGE):
            some = players[first : first + PAGE]
            keys = [self._key("lease", player) for player in some]
            await self._run(scripts.RELEASE, keys, [epochs[player] for player in some])

    async def publish(self, channel: str, said: bytes) -> None:
        """See Store."""
        await self._ask(self._redis.publish, self._key("channel", channel), said)

    async def listen(self, *channels: str) -> AsyncGenerator[Heard | None, None]:
        """See Store."""
        names = {self._key("channel", channel): channel for channel in channels}
        async with self._redis.pubsub() as pubsub:
            with self._unavailable():
                await pubsub.subscribe(*names)
            yield None
            asked = False
            while True:
                with self._unavailable():
                    heard = await pubsub.get_message(ignore_subscribe_messages=False, timeout=self._seconds)
                    if heard is None:
                        # A connection whose other end is gone without a word says nothing for ever.
                        if asked:
                            raise StoreUnavailable("no answer to a ping")
                        await pubsub.ping()
                    asked = heard is None
                if heard is not None and heard["type"] == "message":
                    yield Heard(names[heard["channel"]], heard["data"].encode())

    async def began(self) -> float:
        """See Store."""
        return float(await self._run(scripts.BEGAN, [self._key("began")], [_ms(_BEGAN_SECONDS)], waits=False)) / 1000

    async def put(self, key: str, value: str, seconds: float) -> None:
        """See Store."""
        await self._ask(self._redis.set, self._key("value", key), value, px=_ms(seconds))

    async def get(self, key: str) -> str | None:
        """See Store."""
        return cast(str | None, await self._ask(self._redis.get, self._key("value", key)))

    async def forget(self, key: str) -> None:
        """See Store."""
        await self._ask(self._redis.delete, self._key("value", key))

    async def register(self, key: str, member: str, seconds: float) -> None:
        """See Store."""
        await self._run(scripts.REGISTER, [self._key("group", key)], [member, _ms(seconds)], waits=False)

    async def members(self, key: str) -> frozenset[str]:
        """See Store."""
        return frozenset(await self._run(scripts.MEMBERS, [self._key("group", key)], [], waits=False))

    async def unregister(self, key: str, member: str) -> None:
        """See Store."""
        await self._ask(self._redis.zrem, self._key("group", key), member)

    async def close(self) -> None:
        """See Store."""
        await self._redis.aclose(close_connection_pool=True)

    def _key(self, *parts: str) -> str:
        return self._prefix + ":".join(parts)

    def _queue(self, application: str) -> list[str]:
        return [self._key(part, application) for part in ("queue", "holders", "ends")]

    async def _run(
        self, script: str, keys: Sequence[str], arguments: Sequence[str | int], *, waits: bool = True
    ) -> Any:  # noqa: ANN401
        """Run a script. One that does not wait for its turn is a replica's sign of life, which is not to be late."""
        return await self._ask(self._scripts[script], keys=keys, args=arguments, waits=waits)

    async def _ask(  # The client's own types are no better.
        self, command: Callable[..., Any], *arguments: object, waits: bool = True, **more: object
    ) -> Any:  # noqa: ANN401
        with self._unavailable():
            async with self._turns if waits else nullcontext():
                if waits and time.monotonic() < self._away_until:
                    raise StoreUnavailable(JUST_NOW)
                found = await command(*arguments, **more)
        self._away_until = 0.0
        return found

    @contextmanager
    def _unavailable(self) -> Iterator[None]:
        """Whatever goes wrong with Redis is one thing to its callers, and so are the client's own stumbles over it.

        Those who come within the next moment are told so at once: thousands would wait one after the other to find out.
        """
        try:
            yield
        except StoreUnavailable:
            raise
        except Exception as error:
            if not isinstance(error, ResponseError):
                self._away_until = time.monotonic() + self._seconds
            raise StoreUnavailable(repr(error)[:300]) from error


def _lease_of(text: str | None) -> Lease | None:
    if text is None:
        return None
    epoch, replica = text.split(" ", 1)
    return Lease(replica, int(epoch))


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
