"""Records in Redis. What looks before it writes is one script each, so that replicas cannot come between.

Keys begin with ``pixel:``. Each that could be left behind expires: limits with what they count, ended sessions after a
month, usage after 400 days.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, ParamSpec, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from signalling.records.interface import Amount, Entry, Pending, Rate, Total
from signalling.store.interface import StoreUnavailable

PREFIX: Final = "pixel:records:"
CLOSED_SECONDS: Final = 31 * 86_400
"""How long an ended session is remembered, lest it be counted twice."""
USAGE_SECONDS: Final = 400 * 86_400
BOX_SECONDS: Final = 14 * 86_400
"""Of a box that nothing is put into any more."""

_OPEN: Final = f"{PREFIX}open"

_TAKE: Final = """
local free_at = tonumber(redis.call('GET', KEYS[1]) or '0')
local interval, burst, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local after = math.max(free_at, now) + interval
local wait = after - now - burst * interval
if wait <= 1e-6 * interval then
  redis.call('SET', KEYS[1], string.format('%.6f', after), 'PX', math.ceil((after - now) * 1000) + 1000)
  return '0'
end
return string.format('%.6f', wait)
"""
_HOLD: Final = """
local now, until_, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and most > 0 and redis.call('ZCARD', KEYS[1]) >= most then
  return 0
end
redis.call('ZADD', KEYS[1], until_, ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.ceil((until_ - now) * 1000) + 1000)
return 1
"""
_TOUCH: Final = """
for i = 2, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then redis.call('HSET', KEYS[1], ARGV[2 * i - 3], ARGV[2 * i - 2]) end
end
"""
_CLOSE: Final = """
redis.call('HDEL', KEYS[1], ARGV[1])
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[2]) then return 0 end
for i = 3, #KEYS do
  local at = 3 * i - 5
  redis.call('HINCRBY', KEYS[i], 'm:' .. ARGV[at], ARGV[at + 1])
  redis.call('HINCRBY', KEYS[i], 's:' .. ARGV[at], ARGV[at + 2])
  redis.call('EXPIRE', KEYS[i], ARGV[3])
end
return 1
"""
_PUT: Final = """
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 1
"""
_TAKE_DUE: Final = """
local taken = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[3])) do
  local content = redis.call('HGET', KEYS[2], id)
  if content then
    redis.call('ZADD', KEYS[1], ARGV[2], id)
    table.insert(taken, id)
    table.insert(taken, content)
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return taken
"""
_LATER: Final = """
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
"""

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


def _answered(method: Callable[Asked, Coroutine[Any, Any, Answer]]) -> Callable[Asked, Coroutine[Any, Any, Answer]]:
    """Say StoreUnavailable for whatever keeps Redis from answering."""

    async def ask(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        try:
            return await method(*args, **kwargs)
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(type(error).__name__) from error

    return ask


class RedisRecords:
    """See Records. The client is somebody else's to close; it gives bytes, or texts."""

    def __init__(self, client: Redis) -> None:
        self._client: Final = client

    @_answered
    async def take(self, key: str, rate: Rate, now: float) -> float:
        """See Records."""
        return float(await self._run(_TAKE, [_rate(key)], rate.interval, rate.burst, f"{now:.6f}"))

    @_answered
    async def hold(self, key: str, member: str, most: int, now: float, seconds: float) -> bool:
        """See Records."""
        until = f"{now + seconds:.6f}"
        return bool(await self._run(_HOLD, [_held(key)], member, f"{now:.6f}", until, most))

    @_answered
    async def release(self, key: str, member: str) -> None:
        """See Records."""
        await self._client.zrem(_held(key), member)

    @_answered
    async def first(self, key: str, value: str, seconds: float) -> str:
        """See Records."""
        name = f"{PREFIX}first:{key}"
        set_first: Any = self._client.set(name, value, nx=True, get=True, px=max(1, int(seconds * 1000)))
        before = await set_first
        return value if before is None else _text(before)

    @_answered
    async def touch(self, sessions: Mapping[str, bytes]) -> None:
        """See Records."""
        if sessions:
            keys = [_OPEN, *map(_closed, sessions)]
            await self._run(_TOUCH, keys, *(part for session in sessions.items() for part in session))

    @_answered
    async def going_on(self) -> dict[str, bytes]:
        """See Records."""
        found: Mapping[Any, Any] = await self._client.hgetall(_OPEN)
        return {_text(session): _bytes(said) for session, said in found.items()}

    @_answered
    async def close(self, session: str, amounts: Sequence[Amount]) -> bool:
        """See Records."""
        keys = [_OPEN, _closed(session), *(_usage(amount.bucket) for amount in amounts)]
        parts = [part for each in amounts for part in (each.field, each.milliseconds, each.sessions)]
        return bool(await self._run(_CLOSE, keys, session, CLOSED_SECONDS, USAGE_SECONDS, *parts))

    @_answered
    async def totals(self, buckets: Sequence[str]) -> list[dict[str, Total]]:
        """See Records."""
        async with self._client.pipeline(transaction=False) as pipeline:
            for bucket in buckets:
                pipeline.hgetall(_usage(bucket))
            return [_totals(fields) for fields in await pipeline.execute()]

    @_answered
    async def append(self, log: str, content: bytes, most: int) -> None:
        """See Records."""
        await self._client.xadd(f"{PREFIX}log:{log}", {"content": content}, maxlen=most, approximate=True)

    @_answered
    async def page(self, log: str, before: str, count: int) -> list[Entry]:
        """See Records."""
        end = f"({before}" if before else "+"
        found: Any = await self._client.xrevrange(f"{PREFIX}log:{log}", max=end, count=count)
        return [Entry(_text(id), _bytes(next(iter(fields.values())))) for id, fields in found]

    @_answered
    async def put(self, box: str, id: str, content: bytes, due: float, most: int) -> bool:
        """See Records."""
        return bool(await self._run(_PUT, _box(box), id, content, f"{due:.6f}", most, BOX_SECONDS))

    @_answered
    async def due(self, box: str, now: float, lease: float, count: int) -> list[Pending]:
        """See Records."""
        taken = await self._run(_TAKE_DUE, _box(box), f"{now:.6f}", f"{now + lease:.6f}", count)
        return [Pending(_text(id), _bytes(content)) for id, content in zip(taken[::2], taken[1::2], strict=True)]

    @_answered
    async def later(self, box: str, id: str, content: bytes, due: float) -> None:
        """See Records."""
        await self._run(_LATER, _box(box), id, content, f"{due:.6f}")

    @_answered
    async def done(self, box: str, id: str) -> None:
        """See Records."""
        due, content = _box(box)
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.zrem(due, id)
            pipeline.hdel(content, id)
            await pipeline.execute()

    @_answered
    async def pending(self, box: str) -> int:
        """See Records."""
        return int(await self._client.zcard(_box(box)[0]))

    async def _run(self, script: str, keys: Sequence[str], *arguments: str | bytes | float) -> Any:  # noqa: ANN401 - any reply
        return await self._client.register_script(script)(keys=list(keys), args=list(arguments))


def _rate(key: str) -> str:
    return f"{PREFIX}rate:{key}"


def _held(key: str) -> str:
    return f"{PREFIX}held:{key}"


def _closed(session: str) -> str:
    return f"{PREFIX}closed:{session}"


def _usage(bucket: str) -> str:
    return f"{PREFIX}usage:{bucket}"


def _box(box: str) -> tuple[str, str]:
    """When each is due, and what it holds."""
    return f"{PREFIX}due:{box}", f"{PREFIX}content:{box}"


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _totals(fields: Mapping[Any, Any]) -> dict[str, Total]:
    """A hash of ``m:<field>`` and ``s:<field>``, as totals by field."""
    sums = {_text(name): int(number) for name, number in fields.items()}
    names = dict.fromkeys(name[2:] for name in sums)
    return {name: Total(sums.get(f"m:{name}", 0), sums.get(f"s:{name}", 0)) for name in names}
