"""The commands that Redis receives, as it reports them: neither KEYS nor SCAN in a whole day of
work, and not inside a script either.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from domain.clock import MS_PER_HOUR, NS_PER_HOUR
from domain.events.query import EventQuery
from storage.clients.redis import Redis
from storage.events.feed import Feed
from storage.index.counts import Buckets
from storage.index.event_index import EventIndex
from tests.kept import START_NS, Site, make_event

UNBOUNDED_READS = {
    "keys",
    "scan",
    "hscan",
    "sscan",
    "zscan",
    "smembers",
    "randomkey",
    "flushall",
    "flushdb",
}


@contextmanager
def monitored(url: str, redis: Redis) -> Iterator[list[str]]:
    """The commands that the server ran meanwhile, those of scripts included, in small letters;
    complete once the block has ended.
    """
    parts = urlsplit(url)
    commands: list[str] = []
    with socket.create_connection((parts.hostname or "", parts.port or 0), 30) as line:
        line.sendall(f"AUTH {parts.password}\r\nMONITOR\r\n".encode())
        stream = line.makefile("rb")
        assert [stream.readline(), stream.readline()] == [b"+OK\r\n", b"+OK\r\n"]
        yield commands
        redis.do("ECHO", "that was all")
        for said in stream:
            if b"that was all" in said:
                return
            commands += re.findall(
                r'^\+[\d.]+ \[[^\]]*\] "([a-z]+)"', said.decode("utf-8", "replace").lower()
            )


def test_writes_searches_counts_feed_and_expiry_look_at_no_keys(
    redis: Redis, valkey_server: str
) -> None:
    index, feed = EventIndex(redis), Feed(redis, 100)
    with monitored(valkey_server, redis) as commands:
        events = [
            make_event(after_s=n, plate=f"鄂C1234{n % 10}", alternatives=(("鄂C00000", 0.3),))
            for n in range(300)
        ]
        index.put_all(events)
        index.put_all([event.model_copy(update={"clip_ready": True}) for event in events])
        index.put(make_event(plate="鄂F88888"))
        feed.add_all(events)
        feed.after(0, 50)
        for query in (
            EventQuery(),
            EventQuery(plate="鄂C12345"),
            EventQuery(plate="*234?"),
            EventQuery(plate="鄂C12345", fuzzy=True),
            EventQuery(camera="gate"),
            EventQuery(area="dan", class_="A", order="oldest"),
        ):
            index.query(query, 20)
            index.histogram(query, Buckets(START_NS // NS_PER_HOUR * MS_PER_HOUR, MS_PER_HOUR, 2))
        index.query(EventQuery(plate="鄂C12345", order="oldest"), 200)
        index.get_all([event.id for event in events[:20]])
        index.ids(None, 50)
        index.remove(events[0].id)
        index.expire(START_NS + 2 * NS_PER_HOUR)
    assert {"evalsha", "setrange", "hget", "bitop", "zrem"} <= set(commands), (
        "scripts are monitored as well"
    )
    assert not set(commands) & UNBOUNDED_READS


def test_publishing_scans_no_keys(site: Site, valkey_server: str) -> None:
    with monitored(valkey_server, site.redis) as commands:
        site.put(make_event())
        site.publisher.run_once()
    assert "evalsha" in commands
    assert not set(commands) & UNBOUNDED_READS
