"""The fragments of recordings that differ from their SHA-256, of the whole site.

`{damaged}:fragments:<camera>` is a sorted set of the fragments of a camera by the time at which
each begins (UTC ms). A member is `<state> <fragment> <from ms> <to ms>`: the key of the segment
with the version of its file, the number of the fragment, and the times between which the segment
cannot be shown without it. If Redis lost the set, the fragments are found again when they are next
read.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.clock import NS_PER_MS
from domain.paths.object_keys import segment_object
from domain.paths.segment_name import SegmentName
from storage.clients.redis import Redis, texts

MOST_OF_CAMERA = 100_000
"""The most fragments of a camera, a day of them. Of more, the oldest are found again if they are
read.
"""


@dataclass(frozen=True, slots=True)
class DamagedFragment:
    """A fragment of one version of a segment's file. It must be replaced to be whole again."""

    state: str
    """The key of the segment, and the version of its file."""
    number: int
    """The number of the fragment in the segment, from 0."""
    start_ns: int
    """The time of its first picture (UTC)."""
    end_ns: int
    """The time of the next picture that can be shown without it."""


def state_of(name: str, size_bytes: int, modified_ns: int, inode: int, etag: str) -> str:
    """Return the key of the segment with this file name, and the version of its file: a replaced
    file is compared again.
    """
    parsed = SegmentName.parse(name)
    key = name if parsed is None else segment_object(parsed)
    return f"{key}@{size_bytes}-{modified_ns}-{inode}-{etag}"


class DamagedFragments:
    """The damaged fragments of the site. It is thread-safe, and raises IndexUnavailable if Redis is
    unreachable.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def add(self, camera_id: str, found: DamagedFragment) -> None:
        """Record a damaged fragment; a known one is no error."""
        start_ms, end_ms = found.start_ns // NS_PER_MS, -(-found.end_ns // NS_PER_MS)
        member = f"{found.state} {found.number} {start_ms} {end_ms}"
        self._redis.do("ZADD", _key(camera_id), start_ms, member)
        self._redis.do("ZREMRANGEBYRANK", _key(camera_id), 0, -MOST_OF_CAMERA - 1)

    def of(self, camera_id: str) -> list[DamagedFragment]:
        """Return the damaged fragments of a camera, by start."""
        members = texts(self._redis.do("ZRANGE", _key(camera_id), 0, -1))
        return [found for member in members if (found := _parsed(member)) is not None]

    def forget_before(self, camera_id: str, before_ns: int) -> None:
        """Forget the fragments of recordings that are deleted by now."""
        self._redis.do("ZREMRANGEBYSCORE", _key(camera_id), "-inf", f"({before_ns // NS_PER_MS}")


def _key(camera_id: str) -> str:
    return f"{{damaged}}:fragments:{camera_id}"


def _parsed(member: str) -> DamagedFragment | None:
    """Return the fragment of a member; None for one that this version cannot read."""
    state, *numbers = member.split(" ")
    if len(numbers) < 3 or not all(number.isdecimal() for number in numbers[:3]):
        return None
    number, start_ms, end_ms = map(int, numbers[:3])
    return DamagedFragment(state, number, start_ms * NS_PER_MS, end_ms * NS_PER_MS)
