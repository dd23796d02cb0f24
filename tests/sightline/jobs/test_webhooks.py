"""Webhooks of watch matches on real stores, to a real receiver: signatures, retries, queues."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from domain.events.watches import Ended, Watch
from domain.metrics import WEBHOOKS
from domain.paths.object_keys import watches_prefix
from sightline.jobs import webhooks
from sightline.jobs.webhooks import MAX_QUEUED, MAX_TRIES, Webhooks
from storage.clients.versioned_records import VersionedRecords, version_key
from storage.site.audit import AuditLog
from tests.api.conftest import Site
from tests.kept import make_event
from tests.sightline.jobs.watch_city import City, placed

if TYPE_CHECKING:
    pass


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


def test_a_webhook_whose_watch_is_damaged_delays_no_other(city: City, receiver: Receiver) -> None:
    for key in range(3):
        placed(city, key=key, webhook=receiver.url, secret="a secret of the tests")
    node = city.node()
    node.run_once()
    city.passes(make_event(after_s=5))
    node.run_once()
    for watch in city.watches.active()[:2]:
        damaged = version_key(watches_prefix(watch.id), 2)
        city.objects.put(damaged, b"{", "application/json")
    assert sent(city.sender()) == 3
    assert (len(receiver.had), city.matches.waiting()) == (1, 2)
