"""The live feed over HTTP on a real Valkey: resume, filters, slow clients, outages of Redis."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.feeds import hub as feed_hub
from api.feeds import stream as feed_stream
from api.feeds.feeds import _event_arrival
from api.feeds.hub import MAX_QUEUED, FeedGap, Follower, LeftOut, Live
from domain.people import Role
from storage.clients.redis import connect
from storage.events.feed import Feed
from tests.examples import examples
from tests.kept import Relay
from tests.sse import Message, messages
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent

FEED = "/v1/events/feed"


@contextmanager
def following(
    site: Site, query: str = "", last_id: int | None = None, client: httpx.Client | None = None
) -> Iterator[Iterator[Message]]:
    """Yield the messages of a feed from now on, after its first `status`."""
    if last_id is None:
        # The hub of the whole test run may still have a number from before the index was emptied.
        last_id = site.context.feed.after(0, 1).last
    asked = {
        "Authorization": f"Bearer {site.tokens[Role.OPERATOR]}",
        "X-Reason": "a test",
        "Last-Event-ID": str(last_id),
    }
    with (client or site.http).stream("GET", f"{site.url}{FEED}?{query}", headers=asked) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        found = messages(answer)
        assert next(found).name == "status"
        yield found


def missed(site: Site, query: str = "") -> list[Message]:
    """Return the messages that are available without waiting."""
    answer = site.get(f"{FEED}?seconds=0&{query}", Role.OPERATOR)
    assert answer.status_code == 200, answer.text
    return list(messages(answer))


def plates(found: list[Message]) -> list[str]:
    return [message.data["event"]["plate"]["text"] for message in found if message.name == "event"]


def test_an_event_is_sent_when_it_is_indexed(site: Site, make_event: MakeEvent) -> None:
    event = make_event()
    with following(site) as found:
        site.context.feed.add_all([event, event.model_copy(update={"clip_ready": True})])
        first, second = next(found), next(found)
    assert (first.name, second.name) == ("event", "event")
    assert first.id == first.data["arrival"] < second.id
    assert first.data["event"]["snapshot"] == f"/v1/events/{event.id}/snapshot"
    assert (first.data["event"]["clip_ready"], second.data["event"]["clip_ready"]) == (False, True)
    assert first.data["version"] < second.data["version"]
    (entry,) = [json.loads(line) for line in site.audit_lines()]
    assert (entry["route"], entry["reason"], entry["status"]) == ("events.feed", "a test", 200), (
        "once for each connection"
    )


def test_a_correction_is_sent(site: Site, make_event: MakeEvent) -> None:
    event = make_event(77)
    site.context.index.put(event)
    with following(site) as found:
        body = {"plate": "鄂F8888B", "reason": "seen in the clip", "version": 0}
        assert (
            site.get(f"/v1/events/{event.id}", Role.OPERATOR, method="PATCH", body=body).status_code
            == 200
        )
        message = next(found)
    assert message.data["event"]["corrected"]["text"] == "鄂F8888B"
    assert message.data["version"] > event.version


def test_a_feed_resumes_after_a_number(site: Site, make_event: MakeEvent) -> None:
    site.context.feed.add_all([make_event(at_s) for at_s in range(5)])
    all_of_them = [message for message in missed(site, "after=0") if message.name == "event"]
    assert len(all_of_them) == 5
    for place, message in enumerate(all_of_them):
        assert [one.id for one in missed(site, f"after={message.id}") if one.name == "event"] == [
            one.id for one in all_of_them[place + 1 :]
        ]
    with following(site, "after=0", all_of_them[3].id) as found:
        assert next(found).id == all_of_them[4].id, "the header comes before the parameter"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=vehicle", ["鄂F88888", "鄂A12345", "鄂C1K345"]),
        ("camera=west-gate", ["鄂A12345"]),
        ("plate=" + quote("鄂C1?3*"), ["鄂C1K345"]),
        ("plate=" + quote("鄂F88888"), ["鄂F88888"]),
        (
            "area=danjiangkou/junzhou&class=A&color=blue&min_confidence=0.5&near=111.513,32.54,800",
            ["鄂F88888", "鄂C1K345"],
        ),
        ("within=111,32;111.45,32;111.45,33;111,33", ["鄂A12345"]),
    ],
)
def test_filters_are_those_of_a_search(
    site: Site, make_event: MakeEvent, query: str, expected: list[str]
) -> None:
    events = [
        make_event(1),
        make_event(2, "west-gate", "鄂A12345"),
        make_event(3, "east-gate", None),
        make_event(4, "east-gate", "鄂C1K345"),
    ]
    site.context.feed.add_all(events)
    site.context.index.put_all(events)
    assert plates(missed(site, f"after=0&{query}")) == expected
    found = site.get(f"/v1/events?order=oldest&{query}").json()["items"]
    assert [item["plate"]["text"] for item in found] == expected


def test_a_heartbeat_advances_over_filtered_events(
    site: Site, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_stream, "HEARTBEAT_S", 0.05)
    with following(site, "camera=west-gate") as found:
        site.context.feed.add_all([make_event(1)])
        last = site.context.feed.after(0, 1).last
        beat = next(message for message in found if message.id >= last)
        assert (beat.name, beat.id) == ("", last)


def test_a_number_that_is_too_old_gets_a_gap(open_site: OpenSite, make_event: MakeEvent) -> None:
    site = open_site()
    feed = Feed(site.redis, 100)
    feed.add_all([make_event(0)])
    oldest = feed.after(0, 1).last
    for batch in range(6):
        feed.add_all([make_event(1 + batch * 100 + k) for k in range(100)])
    status, gap, *rest = missed(site, f"after={oldest}")
    assert (gap.name, gap.data["from"], gap.data["to"]) == (
        "gap",
        oldest,
        feed.after(0, 1).known_from,
    )
    assert gap.data["from_at"] <= gap.data["to_at"]
    assert status.id == oldest
    assert gap.id == gap.data["to"] < rest[0].id
    assert rest[-1].id == feed.after(0, 1).last


def test_a_wrong_number_or_parameter_is_refused(site: Site) -> None:
    for query in (
        "after=-1",
        "after=x",
        "order=newest",
        "from=2025-11-24T16:00:00Z",
        "fuzzy=1",
        "seconds=-1",
    ):
        assert site.get(f"{FEED}?{query}").status_code == 400, query
    assert site.get(f"{FEED}?seconds=0", Last_Event_ID="x").json()["field"] == "Last-Event-ID"


def test_a_ticket_opens_the_feed_without_headers_and_nothing_else(
    site: Site, make_event: MakeEvent
) -> None:
    site.context.feed.add_all([make_event(1)])
    address = site.get(f"{FEED}/ticket", Role.OPERATOR, "theft 118").json()["address"]
    answer = site.http.get(f"{site.url}{address}&after=0&seconds=0")
    assert plates(list(messages(answer))) == ["鄂F88888"]
    entry = json.loads(site.audit_lines()[-1])
    assert (entry["route"], entry["reason"], entry["person"][:8]) == (
        "events.feed",
        "theft 118",
        "operator",
    )
    ticket = address.partition("ticket=")[2]
    assert (
        site.http.get(f"{site.url}/v1/cameras/east-gate/segments/x?ticket={ticket}").status_code
        == 403
    )
    assert site.http.get(f"{site.url}{FEED}?ticket={ticket[:-3]}aaa&seconds=0").status_code == 401


@settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck))
@given(turns=st.lists(st.tuples(st.integers(0, 8), st.floats(0, 1)), min_size=1, max_size=8))
def test_a_client_that_reconnects_gets_each_event_once(
    site: Site, make_event: MakeEvent, turns: list[tuple[int, float]]
) -> None:
    """A client is disconnected anywhere, repeatedly, while events arrive."""
    last = site.context.feed.after(0, 1).last
    added, had = 0, list[str]()
    for size, share in [*turns, (0, 1.0)]:
        with following(site, last_id=last) as found:
            site.context.feed.add_all([make_event(at_s) for at_s in range(added, added + size)])
            added += size
            for _ in range(round(share * (added - len(had)))):
                message = next(found)
                assert message.name == "event"
                had.append(message.data["event"]["id"])
                last = message.id
    assert had == [make_event(at_s).id for at_s in range(added)]


def test_an_outage_of_redis_loses_no_event(
    open_site: OpenSite, make_event: MakeEvent, valkey_server: str
) -> None:
    port = urlsplit(valkey_server).port
    assert port is not None
    relay = Relay(port)
    through = connect(valkey_server.replace(f":{port}/", f":{relay.port}/"))
    site = open_site(feed=Feed(through, 1000))
    straight = Feed(site.redis, 1000)
    with following(site) as found:
        straight.add_all([make_event(1)])
        assert next(found).name == "event"
        relay.cut()
        away = next(found)
        assert (away.name, away.data["live"]) == ("status", False)
        straight.add_all([make_event(2)])
        relay.mend()
        back = [next(found), next(found)]
        assert {message.name for message in back} == {"status", "event"}
        assert [message.data["event"]["id"] for message in back if message.name == "event"] == [
            make_event(2).id
        ]
        site.redis.do("FLUSHALL")
        straight.add_all([make_event(3)])
        gap, event = next(found), next(found)
        assert (gap.name, event.data["event"]["id"]) == ("gap", make_event(3).id)
    relay.cut()
    through.close()


def test_a_slow_client_gets_a_summary_and_others_get_all(site: Site, make_event: MakeEvent) -> None:
    """It reads nothing while far more arrives than its sockets and its queue hold."""
    total, large = 4_000, make_event().plate
    assert large is not None
    large = large.model_copy(update={"alternatives": large.alternatives * 60})
    narrow = httpx.HTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)])
    with (
        httpx.Client(transport=narrow, timeout=PATIENCE_S) as client,
        following(site, client=client) as slow,
        following(site) as quick,
    ):
        for start in range(0, total, 100):
            site.context.feed.add_all(
                [
                    make_event(at_s / 10).model_copy(update={"plate": large})
                    for at_s in range(start, start + 100)
                ]
            )
            assert [next(quick).name for _ in range(100)] == ["event"] * 100
        had, left_out, last = 0, 0, 0
        while had + left_out < total:
            message = next(slow)
            if message.name == "event":
                had += 1
            else:
                assert message.data["by_kind"] == {"vehicle": message.data["left_out"]}
                assert last < message.data["from"] <= message.data["to"] == message.id
                left_out += message.data["left_out"]
            last = message.id
        assert had + left_out == total
        assert had > MAX_QUEUED
        assert left_out > 0


def test_a_thousand_followers_that_read_nothing_use_bounded_memory(
    make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each message exists once; a follower holds places for a few hundred, however much arrives."""

    async def run() -> tuple[int, int]:
        followers = [Follower(lambda event: True, 0, True, "test") for _ in range(1000)]
        sizes, number = [], 0
        for _ in range(2):
            for _ in range(2 * most):
                number += 1
                for follower in followers:
                    follower.offer([arrival], number)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
        waiting = [await follower.next_messages(0) for follower in followers[:3]]
        for messages_ in waiting:
            assert len(messages_) == most + 1
            assert isinstance(messages_[-1], LeftOut)
            assert messages_[-1].by_kind.total() == 3 * most
        return sizes[0], sizes[1]

    most = 64
    monkeypatch.setattr(feed_hub, "MAX_QUEUED", most)
    arrival = _event_arrival(1, make_event())
    tracemalloc.start()
    try:
        full, after_more = asyncio.run(run())
    finally:
        tracemalloc.stop()
    assert after_more < full * 1.05
    assert full < 1000 * (most * 16 + 4096)


def test_a_follower_gets_gaps_and_redis_states_in_order(make_event: MakeEvent) -> None:
    async def run() -> list[Any]:
        follower = Follower(lambda event: True, 5, True, "test")
        follower.offer([_event_arrival(6, make_event())], 6)
        follower.set_live(False)
        follower.gap(FeedGap(6, 9))
        follower.gap(FeedGap(9, 12))
        return [await follower.next_messages(1), await follower.next_messages(0)]

    first, second = asyncio.run(run())
    assert [type(message).__name__ for message in first] == ["Arrival", "FeedGap", "Live"]
    assert first[1] == FeedGap(6, 12)
    assert first[2] == Live(False, 6)
    assert second == []


def test_a_feed_cannot_be_opened_while_redis_is_down(open_site: OpenSite) -> None:
    plain = open_site()
    away = connect("redis://127.0.0.1:1/0")
    site = open_site(feed=Feed(away, 1000), people=plain.context.people)
    answer = site.get(f"{FEED}?seconds=0")
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:index_unavailable",
    )
    away.close()
