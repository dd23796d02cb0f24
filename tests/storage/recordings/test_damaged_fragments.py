"""The damaged fragments of a camera in Redis."""

from __future__ import annotations

from domain.clock import NS_PER_S
from storage.clients.redis import Redis
from storage.recordings.damaged_fragments import DamagedFragment, DamagedFragments

FIRST = DamagedFragment("recordings/gate/a.mp4@100-5-7-", 3, 4 * NS_PER_S, 6 * NS_PER_S)
LATER = DamagedFragment("recordings/gate/b.mp4@100-0-0-0af1", 0, 9 * NS_PER_S, 10 * NS_PER_S)


def test_fragments_are_known_once_by_camera_and_start(redis: Redis) -> None:
    fragments = DamagedFragments(redis)
    for found in (LATER, FIRST, LATER):
        fragments.add("gate", found)
    assert DamagedFragments(redis).of("gate") == [FIRST, LATER]
    assert fragments.of("bridge") == []


def test_fragments_of_deleted_recordings_are_forgotten(redis: Redis) -> None:
    fragments = DamagedFragments(redis)
    for found in (FIRST, LATER):
        fragments.add("gate", found)
    fragments.forget_before("gate", 5 * NS_PER_S)
    assert fragments.of("gate") == [LATER]


def test_a_member_of_a_newer_version_is_read_and_another_is_ignored(redis: Redis) -> None:
    redis.do("ZADD", "{damaged}:fragments:gate", 4000, f"{FIRST.state} 3 4000 6000 more")
    redis.do("ZADD", "{damaged}:fragments:gate", 1, "other")
    assert DamagedFragments(redis).of("gate") == [FIRST]
