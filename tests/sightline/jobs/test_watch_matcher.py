"""Watches from event to webhook, on real stores and a real receiver, with crashes."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.clock import NS_PER_S, ManualClock
from domain.events.event import Event
from domain.events.watches import Ended, Watch
from domain.metrics import WEBHOOKS
from domain.paths.object_keys import watches_prefix
from domain.settings import Settings
from sightline.jobs import watch_matcher as vehicle_watches
from sightline.jobs import webhooks
from sightline.jobs.watch_matcher import WatchMatcher
from sightline.jobs.webhooks import MAX_QUEUED, MAX_TRIES, Webhooks
from storage.clients.redis import connect
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import VersionedRecords
from storage.events.feed import Feed
from storage.index.event_index import EventIndex
from storage.site.audit import AuditLog
from storage.site.watch_matches import LEASE_MS, WatchMatches
from storage.site.watches import Watches
from tests.api.conftest import Site
from tests.kept import START_NS, make_event
from tests.storage.site.test_watch_index import watch_of

if TYPE_CHECKING:
    from tests.conftest import S3Config


class City:
    """The stores and watches of a site; `node` is a process that matches."""

    def __init__(self, url: str, objects: ObjectStore, folder: Path) -> None:
        self.redis, self.objects, self.clock = connect(url), objects, ManualClock(START_NS)
        self.redis.do("FLUSHALL")
        self.feed = Feed(self.redis, 100)
        self.index = EventIndex(self.redis)
        self.watches = Watches(self.redis, objects, self.clock)
        self.matches = WatchMatches(self.redis)
        self.folder = folder / "audit"
        self.audit = AuditLog(self.folder, self.clock)

    def node(self, name: str = "node-1") -> WatchMatcher:
        return WatchMatcher(
            self.feed, self.index, self.watches, self.matches, self.audit, self.clock, name
        )

    def sender(self, networks: str = "127.0.0.0/8") -> Webhooks:
        return Webhooks(
            self.matches, self.watches, self.audit, Settings(webhook_networks=networks), self.clock
        )

    def passes(self, *events: Event) -> None:
        self.index.put_all(events)
        self.feed.add_all(events)

    def found(self) -> list[tuple[str, str]]:
        return [(match.watch, match.event.id) for _, match in self.matches.after(0, 1000).items]

    def audited(self, what: str) -> list[dict[str, object]]:
        lines = [
            line
            for file in sorted(self.folder.glob("*.jsonl"))
            for line in file.read_text("utf-8").splitlines()
        ]
        return [entry for entry in map(json.loads, lines) if entry["route"] == what]


@pytest.fixture
def city(valkey_server: str, s3_server: S3Config, tmp_path: Path) -> Iterator[City]:
    objects = ObjectStore(
        s3_server.endpoint, s3_server.access_key, s3_server.secret_key, "watch-tests"
    )
    objects.ensure_bucket()
    for found in list(objects.list("state/watches/")):
        objects.delete(found.key)
    made = City(valkey_server, objects, tmp_path)
    yield made
    made.redis.close()
    objects.close()


class Receiver:
    """A webhook receiver that stores requests and responds as a test says."""

    def __init__(self) -> None:
        self.status = 200
        self.had: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.had.append(
                    ({name.lower(): value for name, value in self.headers.items()}, body)
                )
                self.send_response(receiver.status)
                if receiver.status == 302:
                    self.send_header("Location", receiver.url + "elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Write no log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/matches?of=sightline"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def sent(sender: Webhooks) -> int:
    """Send the due deliveries and wait for them; return their number."""
    try:
        count = sender.run_once()
        sender.wait()
    finally:
        sender._receivers.close()
    return count


def placed(city: City, plate: str = "鄂C12345", key: int = 1, **changes: object) -> Watch:
    watch = watch_of(plate, key=key).model_copy(update=changes)
    city.watches.place(watch)
    return watch


def test_what_was_indexed_is_matched_and_audited_under_the_name_of_who_asked(city: City) -> None:
    node = city.node()
    node.run_once()
    watch = placed(city)
    event = make_event(after_s=5)
    city.passes(event, make_event(after_s=6, plate="鄂A99999"), make_event(after_s=7, plate=None))
    node.run_once()
    assert city.found() == [(watch.id, event.id)]
    (entry,) = city.audited("watch.match")
    assert (entry["person"], entry["reason"], entry["case"]) == ("li", "a test", "118")
    assert entry["terms"] == {"watch": watch.id, "event": event.id, "plate": "鄂C12345"}


def test_a_later_version_of_an_event_is_no_second_match(city: City) -> None:
    node = city.node()
    placed(city)
    node.run_once()
    event = make_event(after_s=5)
    city.passes(event)
    node.run_once()
    city.passes(event.model_copy(update={"clip_ready": True}))
    node.run_once()
    assert len(city.found()) == 1
    assert len(city.audited("watch.match")) == 1


def test_a_late_event_is_matched_with_its_own_time(city: City) -> None:
    node = city.node()
    node.run_once()
    watch = placed(city)
    late = make_event(after_s=-7200)
    city.passes(late)
    node.run_once()
    assert city.found() == [(watch.id, late.id)]
    (match,) = [match for _, match in city.matches.after(0, 5).items]
    assert match.event.started_at == late.started_at < match.matched_at


def test_another_goes_on_where_the_first_died(city: City) -> None:
    """The first is killed before its matches are added, or before its position is stored."""
    first, second = city.node("node-1"), city.node("node-2")
    watch = placed(city)
    first.run_once()
    before = city.matches.position()
    assert before is not None
    city.passes(make_event(after_s=1))
    first.run_once()
    city.redis.do("SET", "{watches}:position", before)
    city.passes(make_event(after_s=2))
    assert second.run_once() == vehicle_watches.IDLE_S, "the first still has the lease"
    assert len(city.found()) == 1
    city.redis.do("DEL", "{watches}:lease")
    second.run_once()
    assert city.found() == [(watch.id, make_event(after_s=second_s).id) for second_s in (1, 2)]
    assert LEASE_MS < 10_000


def test_what_the_feed_has_forgotten_is_looked_up_in_the_index(city: City) -> None:
    node = city.node()
    watch = placed(city)
    node.run_once()
    missed = make_event(after_s=1)
    city.passes(missed)
    for batch in range(6):
        city.passes(
            *(make_event(after_s=10 + batch * 100 + k, plate="鄂A99999") for k in range(100))
        )
    assert city.feed.after(0, 1).known_from > (city.matches.position() or 0)
    last = make_event(after_s=1000)
    city.passes(last)
    node.run_once()
    node.run_once()
    city.passes(make_event(after_s=1001))
    for _ in range(3):
        node.run_once()
    assert sorted(city.found()) == sorted(
        (watch.id, make_event(after_s=second).id) for second in (1, 1000, 1001)
    )
    assert last.id in {event for _, event in city.found()}
    assert city.matches.position() == city.feed.after(0, 1).last


def test_what_is_owed_outlives_who_looked_it_up_and_keeps_nothing_waiting(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vehicle_watches, "CATCH_UP_S", -1)
    watches = [placed(city, key=key) for key in range(3)]
    missed, now = make_event(after_s=1), make_event(after_s=5)
    city.index.put(missed)
    first = city.node("node-1")
    for _ in range(3):
        first.run_once()
    city.passes(now)
    first.run_once()
    assert sorted(city.found()) == sorted((watch.id, now.id) for watch in watches), (
        "what arrives does not wait"
    )
    city.redis.do("DEL", "{watches}:lease")
    monkeypatch.setattr(vehicle_watches, "CATCH_UP_S", 60)
    second = city.node("node-2")
    for _ in range(2):
        second.run_once()
    assert sorted(city.found()) == sorted(
        (watch.id, event.id) for watch in watches for event in (missed, now)
    )
    assert city.matches.owed() is None


def test_an_emptied_redis_gets_its_watches_back_by_itself(city: City) -> None:
    node = city.node()
    watch = placed(city)
    node.run_once()
    city.redis.do("FLUSHALL")
    node.run_once()
    event = make_event(after_s=3)
    city.passes(event)
    node.run_once()
    assert city.found() == [(watch.id, event.id)]


def test_a_watch_ends_by_itself_and_that_is_recorded(city: City) -> None:
    node = city.node()
    watch = placed(city, until=START_NS + 60 * NS_PER_S)
    node.run_once()
    city.clock.advance(61)
    city.passes(make_event(after_s=62))
    node.run_once()
    assert city.found() == []
    assert city.watches.active() == ()
    assert city.watches.get(watch.id).ended is Ended.EXPIRED
    (entry,) = city.audited("watch.expire")
    assert entry["terms"] == {"watch": watch.id}


def test_a_webhook_is_signed_and_sent_once(city: City, receiver: Receiver) -> None:
    watch = placed(city, webhook=receiver.url, secret="a secret of the tests")
    node = city.node()
    node.run_once()
    city.passes(make_event(after_s=5))
    node.run_once()
    assert sent(city.sender()) == 1
    assert sent(city.sender()) == 0
    ((headers, body),) = receiver.had
    said = json.loads(body)
    assert (said["watch"], said["event"]["plate"]["text"], said["event"]["id"]) == (
        watch.id,
        "鄂C12345",
        make_event(after_s=5).id,
    )
    assert said["event"]["snapshot"].startswith("/v1/events/")
    mac = hmac.new(
        b"a secret of the tests",
        headers["sightline-timestamp"].encode() + b"." + body,
        hashlib.sha256,
    ).hexdigest()
    assert headers["sightline-signature"] == f"v1={mac}"
    assert headers["sightline-match"] == said["id"]
    assert "secret" not in body.decode()
    assert [entry["status"] for entry in city.audited("watch.webhook")] == [None, 200]


@pytest.mark.parametrize("status", [500, 302, 404])
def test_a_webhook_that_fails_comes_again_also_from_another_process_and_is_given_up_in_the_end(
    city: City, receiver: Receiver, status: int
) -> None:
    watch = placed(city, webhook=receiver.url, secret="a secret of the tests")
    node = city.node()
    node.run_once()
    city.passes(make_event(after_s=5))
    node.run_once()
    receiver.status = status
    for tries in range(1, MAX_TRIES + 1):
        assert sent(city.sender()) == 1
        assert len(receiver.had) == tries
        assert sent(city.sender()) == 0, "it waits"
        city.clock.advance(webhooks.MAX_PAUSE_S * 1.5)
    assert city.matches.waiting() == 0
    (dead,) = city.matches.dead(watch.id)
    assert (dead.tries, dead.last_error) == (MAX_TRIES, f"answered {status}")


def test_a_receiver_that_recovers_gets_its_matches(city: City, receiver: Receiver) -> None:
    url = receiver.url
    placed(city, webhook="http://127.0.0.1:1/", secret="a secret of the tests")
    node = city.node()
    node.run_once()
    city.passes(make_event(after_s=5))
    node.run_once()
    assert sent(city.sender()) == 1
    watch = city.watches.active()[0]
    changed = watch.model_copy(update={"webhook": url})
    VersionedRecords(city.objects, Watch).add(watches_prefix(watch.id), 2, changed)
    city.clock.advance(2)
    assert sent(city.sender()) == 1
    assert [headers["sightline-try"] for headers, _ in receiver.had] == ["2"]


def test_a_webhook_goes_nowhere_but_to_allowed_networks_and_not_for_a_deleted_watch(
    city: City, receiver: Receiver
) -> None:
    watch = placed(city, webhook=receiver.url, secret="a secret of the tests")
    node = city.node()
    node.run_once()
    city.passes(make_event(after_s=5))
    node.run_once()
    assert sent(city.sender("10.0.0.0/8")) == 1
    assert receiver.had == []
    city.watches.end(watch.id, Ended.DELETED, "wang")
    city.clock.advance(10)
    assert sent(city.sender()) == 1
    assert receiver.had == []
    assert city.matches.waiting() == 0


@pytest.fixture
def dead_receiver() -> Iterator[str]:
    """Accept connections without a response; yield the URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def test_a_dead_receiver_delays_no_other_and_loses_nothing(
    city: City, receiver: Receiver, dead_receiver: str
) -> None:
    for key in range(MAX_QUEUED + 4):
        placed(city, key=key, webhook=dead_receiver, secret="a secret of the tests")
    placed(city, key=99, webhook=receiver.url, secret="a secret of the tests")
    node, sender = city.node(), city.sender()
    deferred = WEBHOOKS.labels("deferred")._value.get()
    node.run_once()
    city.passes(make_event(after_s=5))
    node.run_once()
    assert sum(iter(sender.run_once, 0)) == MAX_QUEUED + 5
    Site.eventually(lambda: len(receiver.had) == 1)
    assert WEBHOOKS.labels("deferred")._value.get() > deferred
    assert city.matches.waiting() >= MAX_QUEUED + 4
    city.clock.advance(61)
    sender._receivers.close()
    assert city.matches.waiting() >= MAX_QUEUED + 4, "what was not sent is due again"


def test_a_webhook_that_cannot_be_recorded_is_not_sent(city: City, receiver: Receiver) -> None:
    placed(city, webhook=receiver.url, secret="a secret of the tests")
    node = city.node()
    node.run_once()
    city.passes(make_event(after_s=5))
    node.run_once()
    city.audit = AuditLog(city.folder, city.clock, limit_gb=1e-9)
    assert sent(city.sender()) == 1
    assert (receiver.had, city.matches.waiting()) == ([], 1)
    city.audit = AuditLog(city.folder, city.clock)
    city.clock.advance(61)
    assert sent(city.sender()) == 1
    assert (len(receiver.had), city.matches.waiting()) == (1, 0)
