"""A bounded stream in Redis of what arrived, in the order of arrival; each has a number that only
rises.

A number is the server's time of arrival in microseconds, or one more than the number before: so it
rises over an emptied or restarted Redis too, and says when. Each item names the number before it:
so a reader knows whether anything was trimmed behind its back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from storage.clients.redis import Redis, Script

_BEGIN = """
local P = KEYS[1]
local function now_us()
  local now = redis.call('TIME')
  return now[1] * 1000000 + now[2]
end
-- Where nothing ever arrived, it begins now: whoever looked before the first arrival has not missed it.
local function last_number()
  local last = redis.call('GET', P .. ':last')
  if not last then
    last = string.format('%.0f', now_us())
    redis.call('SET', P .. ':last', last)
  end
  return last
end
"""  # noqa: E501
ARRIVE = (
    _BEGIN
    + """
local function arrive(most, data)
  local before = last_number()
  local said = string.format('%.0f', math.max(tonumber(before) + 1, now_us()))
  redis.call('XADD', P .. ':items', 'MAXLEN', '~', most, said .. '-0', 'p', before, 'd', data)
  redis.call('SET', P .. ':last', said)
  return said
end
"""
)
"""What a script that adds begins with: KEYS[1] is the stream's hash tag, under which all its
keys lie.
"""

_ADD = ARRIVE + "for i = 2, #ARGV do arrive(ARGV[1], ARGV[i]) end"
_READ = (
    _BEGIN
    + """
local last = last_number()
local first = redis.call('XRANGE', P .. ':items', '-', '+', 'COUNT', 1)[1]
local answer = {last, first and first[2][2] or last}
for _, item in ipairs(redis.call('XRANGE', P .. ':items', ARGV[1] .. '-1', '+', 'COUNT', ARGV[2])) do
  answer[#answer + 1] = string.match(item[1], '^%d+')
  answer[#answer + 1] = item[2][4]
end
return answer
"""  # noqa: E501
)


@dataclass(frozen=True, slots=True)
class Page:
    """`items` by number, as they arrived. All that came after `known_from` is still there;
    `last` is the newest number.
    """

    last: int
    known_from: int
    items: tuple[tuple[int, bytes], ...]


class ArrivalStream:
    """Every call raises IndexUnavailable where Redis is away."""

    def __init__(self, redis: Redis, tag: str, most: int) -> None:
        """`most`: of how many the newest are kept, and some hundred more."""
        self._redis = redis
        self._tag = tag
        self._most = most

    def add(self, items: Sequence[bytes]) -> None:
        if items:
            self._redis.run_all([Script(_ADD, self._tag, (self._most, *items))])

    def after(self, number: int, limit: int) -> Page:
        """At most `limit` that arrived after `number`, the oldest first."""
        (answer,) = self._redis.run_all([Script(_READ, self._tag, (number, limit))])
        last, known_from, *rest = cast("list[bytes]", answer)
        return Page(
            int(last),
            int(known_from),
            tuple((int(a), b) for a, b in zip(rest[::2], rest[1::2], strict=True)),
        )
