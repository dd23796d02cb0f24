"""Queries at the API: one after the other, and of a hundred operators at once while events arrive."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path

import httpx

from benchmarks.city import City
from benchmarks.index_questions import CLOCK, MONTH_NS, QUESTIONS, parameters, percentiles_ms, times_of
from domain.clock import NS_PER_MS, rfc3339
from domain.events import Event
from domain.query import EventQuery
from domain.ulid import id_parts, id_text
from storage.index import EventIndex
from storage.redis_door import connect

OPERATORS, EVERY_S, LASTS_S = 100, 2.0, 30.0
KEPT_S = 3.0
"""The API closes a connection that was idle for 5 s: it is not used again shortly before."""
ARRIVING, AT_ONCE = 2_000, 200
"""Events a second, and in one call."""
_CAMERA = {
    "id": "gate",
    "name": "gate",
    "class": "A",
    "area": "city",
    "location": {"lon": 111.5, "lat": 32.5},
    "url": "rtsp://127.0.0.1:9/x",
}


def at_the_api(redis_url: str, folder: Path, asked: Sequence[Event], often: Sequence[str]) -> dict[str, object]:
    """`asked`: events that are there; `often`: plates with about 200 sightings."""
    with City(folder, [_CAMERA], (), redis_url=redis_url) as city:
        _wait_for(city)
        with _client(city) as http:
            single = _one_by_one(http, asked, often)
        began_s = CLOCK.monotonic_s()
        with _arriving(redis_url, asked) as arrived:
            times, refused = asyncio.run(_operators(city, asked))
            rate = arrived[0] / (CLOCK.monotonic_s() - began_s)
        due = round(OPERATORS * LASTS_S / EVERY_S)
        load = {"operators": OPERATORS, "due": due, "asked": len(times), "refused": refused, "events_a_second": round(rate)}
        return {"single": single, "load": load | percentiles_ms(times)}


def _client(city: City) -> httpx.Client:
    """One for all: to make one takes longer than an answer does."""
    return httpx.Client(base_url=f"http://127.0.0.1:{city.port}", headers=city.headers, timeout=30, trust_env=False)


def _one_by_one(http: httpx.Client, asked: Sequence[Event], often: Sequence[str]) -> dict[str, dict[str, float]]:
    def events(query: EventQuery) -> None:
        http.get("/v1/events", params=parameters(query)).raise_for_status()

    times = {question.name: times_of(lambda e, q=question: events(q.query(e)), asked) for question in QUESTIONS}  # type: ignore[misc]
    month = {"from": rfc3339(asked[0].started_at - MONTH_NS), "to": rfc3339(asked[0].started_at + MONTH_NS)}
    journeys: list[float] = []
    for plate in often:
        began_s = CLOCK.monotonic_s()
        http.get("/v1/journeys", params={"plate": plate, **month}).raise_for_status()
        journeys.append(CLOCK.monotonic_s() - began_s)
    return times | {"journey of 200": percentiles_ms(journeys)}


def _wait_for(city: City) -> None:
    until_s = CLOCK.monotonic_s() + 60
    while CLOCK.monotonic_s() < until_s:
        try:
            if city.get("/v1/events", limit="1").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        CLOCK.sleep(0.2)
    raise TimeoutError("the API did not answer within a minute")


@contextmanager
def _arriving(redis_url: str, like: Sequence[Event]) -> Iterator[list[int]]:
    """New events by the second in a thread, like these but later; how many, so far."""
    stop, count = threading.Event(), [0]

    def write() -> None:
        door = connect(redis_url)
        index, source, began_s = EventIndex(door), cycle(like), CLOCK.monotonic_s()
        while not stop.is_set():
            index.put_all([_later(event, count[0] + n) for n, event in enumerate(islice(source, AT_ONCE))])
            count[0] += AT_ONCE
            stop.wait(max(0.0, began_s + count[0] / ARRIVING - CLOCK.monotonic_s()))
        door.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield count
    finally:
        stop.set()
        thread.join()


def _later(event: Event, number: int) -> Event:
    """The same passing a month later, one after the other."""
    start_ms, tail = id_parts(event.id)
    moved_ms = start_ms + MONTH_NS // NS_PER_MS
    moments = {name: getattr(event, name) + MONTH_NS for name in ("started_at", "best_at", "ended_at")}
    return event.model_copy(update={"id": id_text(moved_ms, number.to_bytes(4, "big") + tail[:6]), **moments})


async def _operators(city: City, asked: Sequence[Event]) -> tuple[list[float], int]:
    """How long each query took, waiting for its turn included; and how many were not answered with 200."""
    times: list[float] = []
    refused = 0
    base, limits = f"http://127.0.0.1:{city.port}", httpx.Limits(max_connections=OPERATORS, keepalive_expiry=KEPT_S)
    async with httpx.AsyncClient(base_url=base, headers=city.headers, timeout=30, trust_env=False, limits=limits) as client:

        async def operator(number: int) -> None:
            nonlocal refused
            draw = random.Random(number)
            due_s = CLOCK.monotonic_s() + draw.random() * EVERY_S
            until_s = due_s + LASTS_S
            while due_s < until_s and CLOCK.monotonic_s() < until_s + EVERY_S:
                await asyncio.sleep(max(0.0, due_s - CLOCK.monotonic_s()))
                query = draw.choice(QUESTIONS).query(draw.choice(asked))
                try:
                    answer = await client.get("/v1/events", params=parameters(query))
                    refused += answer.status_code != httpx.codes.OK
                except httpx.TransportError:
                    refused += 1
                times.append(CLOCK.monotonic_s() - due_s)
                due_s += EVERY_S

        await asyncio.gather(*(operator(number) for number in range(OPERATORS)))
    return times, refused
