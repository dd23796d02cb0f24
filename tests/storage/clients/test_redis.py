"""The client to Redis, on a real Valkey."""

from __future__ import annotations

import pytest

from domain.errors import IndexUnavailable
from storage.clients.redis import Redis, Script, connect

ADD = Script("return redis.call('INCRBY', KEYS[1] .. ':n', ARGV[1])", "{a}", (2,))
READ = Script("return redis.call('GET', KEYS[1] .. ':n')", "{a}", ())


def test_a_script_the_server_has_forgotten_runs_once(redis: Redis) -> None:
    assert redis.run_all([ADD]) == [2]
    redis.do("SCRIPT", "FLUSH")
    assert redis.run_all([ADD]) == [4]
    assert redis.run_all([ADD, READ]) == [6, b"6"], "one of them is known, and the other is not"


def test_values_are_answered_in_groups(redis: Redis) -> None:
    redis.do_all([("SET", "{a}:one", b"\xff1"), ("SET", "{b}:two", "2")])
    assert redis.values([["{a}:one", "{a}:none"], [], ["{b}:two"]]) == [
        [b"\xff1", None],
        [],
        [b"2"],
    ]
    assert redis.values([[], []]) == [[], []]


def test_a_script_that_fails_says_so(redis: Redis) -> None:
    with pytest.raises(IndexUnavailable, match="no such thing"):
        redis.run_all([ADD, Script("return redis.error_reply('no such thing')", "{a}", ())])


@pytest.mark.parametrize(
    "url", ["redis://:hunter2#x@h:6379", "redis+cluster://user:hunter2/x@h:1,", "redis://u:hunter2"]
)
def test_an_address_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(IndexUnavailable, match="SIGHTLINE_REDIS_URL") as refused:
        connect(url)
    assert "hunter2" not in f"{refused.value} {refused.value.__cause__}"
    assert refused.value.__suppress_context__
