"""What Redis has to do in one step, in its own language (Lua, as Redis 7 and Valkey run it).

All times are Redis's own, so that replicas whose clocks differ agree on what has ended.
"""

from typing import Final

_NOW: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function expire(key, milliseconds)
    if redis.call('PTTL', key) < milliseconds then redis.call('PEXPIRE', key, milliseconds) end
end
"""

_FORGET: Final = """
local function forget(session)
    redis.call('ZREM', KEYS[1], session)
    redis.call('HDEL', KEYS[2], session)
    redis.call('ZREM', KEYS[3], session)
end
"""

WAIT: Final = (
    _NOW
    + """
-- KEYS: order, holders, ends. ARGV: replica, milliseconds, then session, score and epoch of each.
local taken = {}
for i = 3, #ARGV, 3 do
    local session, epoch = ARGV[i], ARGV[i + 2]
    local held = redis.call('HGET', KEYS[2], session)
    if held and tonumber(string.match(held, '^%d+')) > tonumber(epoch) then
        taken[#taken + 1] = session
    else
        redis.call('ZADD', KEYS[1], ARGV[i + 1], session)
        redis.call('HSET', KEYS[2], session, epoch .. ' ' .. ARGV[1])
        redis.call('ZADD', KEYS[3], now + ARGV[2], session)
    end
end
for i = 1, 3 do expire(KEYS[i], tonumber(ARGV[2])) end
return taken
"""
)
"""A session's place goes to the connection with the highest epoch."""

LEAVE: Final = (
    _FORGET
    + """
-- KEYS: order, holders, ends, then where each place is kept. ARGV: milliseconds to keep, then session, epoch of each.
for i = 2, #ARGV, 2 do
    local held = redis.call('HGET', KEYS[2], ARGV[i])
    if held and tonumber(string.match(held, '^%d+')) <= tonumber(ARGV[i + 1]) then
        if tonumber(ARGV[1]) > 0 then
            redis.call('SET', KEYS[3 + i / 2], redis.call('ZSCORE', KEYS[1], ARGV[i]), 'PX', ARGV[1])
        else
            redis.call('DEL', KEYS[3 + i / 2])
        end
        forget(ARGV[i])
    end
end
return 1
"""
)

HEAD: Final = (
    _NOW
    + _FORGET
    + """
-- KEYS: order, holders, ends. ARGV: first and last position.
for _, session in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 1000)) do forget(session) end
local sessions = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2])
if #sessions == 0 then return {} end
local holders = redis.call('HMGET', KEYS[2], unpack(sessions))
local found = {}
for i, session in ipairs(sessions) do
    found[2 * i - 1] = session
    found[2 * i] = string.match(holders[i] or '', ' (.*)$') or ''
end
return found
"""
)
"""Those whose time is over go first. Positions at most 1000 apart: Lua's stack holds a few thousand values."""

LEASE: Final = """
-- KEYS: lease. ARGV: replica, milliseconds.
local time = redis.call('TIME')
local epoch = time[1] * 1000000 + time[2]
local before = redis.call('GET', KEYS[1])
if before then epoch = math.max(epoch, tonumber(string.match(before, '^%d+')) + 1) end
local text = string.format('%.0f', epoch)
redis.call('SET', KEYS[1], text .. ' ' .. ARGV[1], 'PX', ARGV[2])
return {text, before}
"""

HOLD: Final = """
-- KEYS: leases. ARGV: replica, milliseconds, then the epoch of each.
local taken = {}
for i, key in ipairs(KEYS) do
    local held = redis.call('GET', key)
    if held and tonumber(string.match(held, '^%d+')) > tonumber(ARGV[i + 2]) then
        taken[#taken + 1] = i
    else
        redis.call('SET', key, ARGV[i + 2] .. ' ' .. ARGV[1], 'PX', ARGV[2])
    end
end
return taken
"""

RELEASE: Final = """
-- KEYS: leases. ARGV: the epoch of each.
for i, key in ipairs(KEYS) do
    local held = redis.call('GET', key)
    if held and string.match(held, '^%d+') == ARGV[i] then redis.call('DEL', key) end
end
return 1
"""

BEGAN: Final = (
    _NOW
    + """
-- KEYS: began. ARGV: milliseconds.
local began = redis.call('SET', KEYS[1], now, 'NX', 'GET') or now
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return tostring(began)
"""
)

REGISTER: Final = (
    _NOW
    + """
-- KEYS: group. ARGV: member, milliseconds.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
expire(KEYS[1], tonumber(ARGV[2]))
return 1
"""
)

MEMBERS: Final = (
    _NOW
    + """
-- KEYS: group.
return redis.call('ZRANGE', KEYS[1], '(' .. string.format('%.0f', now), '+inf', 'BYSCORE')
"""
)
