"""Which layout the index lies in, and how an older one is brought up to date. docs/index.md says
what each has.

Layout 1 bore no number, counted no hours and did not add up the names of places. In layout 2 the
pointers of a plate seen often lay as they came.
"""

from __future__ import annotations

from typing import cast

from domain.errors import IndexUnavailable
from storage.clients.redis import Redis, Script
from storage.index.key_scripts import LAYOUT, SHARD
from storage.index.posting_scripts import ORDERED

_COUNTED = 2
"""From this layout on hours are counted, and the names of places are added up."""
_STANDING = (
    "return { redis.call('GET', KEYS[1] .. ':version') or '1', tonumber(redis.call('GET', "
    "KEYS[1] .. ':n') or 0) }"
)
_STAMP = f"return redis.call('SET', KEYS[1] .. ':version', {LAYOUT})"
_HOURS = "return redis.call('ZRANGE', KEYS[1] .. ':hours', 0, -1)"
_ADD_UP = """
local sum = 0
for _, name in ipairs(redis.call('HKEYS', KEYS[1] .. ':pl')) do
  if #name == 4 then sum = sum + struct.unpack('<I4', name) + 1 end
end
if sum > 0 then redis.call('HSET', KEYS[1] .. ':pl', 'sum', string.format('%.0f', sum)) end
"""
_COUNT_HOUR = (
    SHARD
    + """
local hour, events, faces = ARGV[1], 0, 0
for k = 0, #directory_of(hour) / 8 - 1 do
  local block = block_of(hour, k)
  for at = 1, #block, R do
    local record = sub(block, at, at + R - 1)
    if record ~= GONE then
      events = events + 1
      if bit.band(string.byte(record, 3), 0x40) ~= 0 then faces = faces + 1 end
      if sub(record, 25, 28) == NOWHERE then call('HSET', P .. ':pl', 'placeless', 1) end
    end
  end
end
if events > 0 then call('HSET', P .. ':k', hour, events) else call('HDEL', P .. ':k', hour) end
if faces > 0 then call('HSET', P .. ':k', 'f' .. hour, faces) else call('HDEL', P .. ':k', 'f' .. hour) end
"""  # noqa: E501
)
_ORDERED_AT_ONCE = 10_000
_ORDER = (
    SHARD
    + ORDERED
    + """
-- ARGV: a number of a plate, after how many pointers it is enough. Puts the pointers of plates from that number on in order; answers the
-- number to go on with, 0 where there is none.
local number, most, done = tonumber(ARGV[1]), tonumber(ARGV[2]), 0
local numbers = call('STRLEN', P .. ':t') / 6
while number < numbers and done < most do
  local key = P .. ':q' .. number
  local pointers = call('GET', key) or ''
  local ordered = in_order(pointers)
  if ordered ~= pointers then call('SET', key, ordered) end
  number, done = number + 1, done + 10 + #pointers / 5
end
return number < numbers and number or 0
"""  # noqa: E501
)


def bring_up(redis: Redis, shards: int) -> None:
    """Bring what lies in an older layout up to date; nothing is left to do once it returned.
    Whoever else does so at once does no harm.

    Raises IndexUnavailable where a newer program has laid the index out.
    """
    prefixes = [f"{{e{shard}}}" for shard in range(shards)]
    standing = cast(
        "list[tuple[bytes, int]]",
        redis.run_all([Script(_STANDING, prefix, ()) for prefix in prefixes]),
    )
    for prefix, (version, events) in zip(prefixes, standing, strict=True):
        if events and int(version) > LAYOUT:
            raise IndexUnavailable(
                f"the index lies in layout {int(version)} and this program knows {LAYOUT}: run "
                "the newer program, or empty Redis and"
                " run `sightline index rebuild`"
            )
        if events and int(version) < _COUNTED:
            _count(redis, prefix)
        if events and int(version) < LAYOUT:
            _order(redis, prefix)
            redis.run_all([Script(_STAMP, prefix, ())])


def _count(redis: Redis, prefix: str) -> None:
    """An hour at a time, each counted anew whole, so that whatever is written in between is
    counted as well.
    """
    (hours,) = cast("list[list[bytes]]", redis.run_all([Script(_HOURS, prefix, ())]))
    for hour in hours:
        redis.run_all([Script(_COUNT_HOUR, prefix, (hour,))])
    redis.run_all([Script(_ADD_UP, prefix, ())])


def _order(redis: Redis, prefix: str) -> None:
    """Some plates at a time, each whole: what is written to one in between is written in order."""
    number = 0
    while True:
        (number,) = cast(
            "list[int]", redis.run_all([Script(_ORDER, prefix, (number, _ORDERED_AT_ONCE))])
        )
        if not number:
            return
