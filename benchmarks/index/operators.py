"""Queries at the API: single ones, and those of a hundred concurrent operators with new events."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path

import httpx

from benchmarks.city import City
from benchmarks.index.questions import (
    CLOCK,
    MONTH_NS,
    QUESTIONS,
    parameters,
    percentiles_ms,
    times_of,
)
from benchmarks.processes import cost_of
from domain.clock import NS_PER_MS, rfc3339
from domain.events.event import Event
from domain.events.query import EventQuery
from domain.ulid import id_parts, id_text
from storage.clients.redis import Redis, connect
from storage.index.event_index import EventIndex

OPERATORS, EVERY_S, LASTS_S = 100, 2.0, 30.0
START_S = 1.0
"""By then a process of the pool has started."""
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


def at_the_api(
    redis_url: str, folder: Path, asked: Sequence[Event], often: Sequence[str]
) -> dict[str, object]:
    """`asked`: events that are there; `often`: plates with about 200 sightings."""
    with City(folder, [_CAMERA], (), redis_url=redis_url) as city:
        _wait_for(city)
        with _client(city) as http:
            single = _one_by_one(http, asked, often)
        return {"single": single, "load": under_load(redis_url, city, asked)}


def under_load(redis_url: str, city: City, asked: Sequence[Event]) -> dict[str, object]:
    """Measure operators and new events concurrently, each in a process of its own.

    `cores` is the CPU time that each side used divided by the duration.
    """
    with ProcessPoolExecutor(2, get_context("spawn")) as pool, closing(connect(redis_url)) as redis:
        wait([pool.submit(CLOCK.sleep, START_S) for _ in range(2)])
        before_s, began_s = _cpu_s(city, redis), CLOCK.monotonic_s()
        writing = pool.submit(_arrive, redis_url, asked)
        asking = pool.submit(_operate, f"http://127.0.0.1:{city.port}", city.headers, asked)
        written, asked_for = writing.result(), asking.result()
        duration_s, after_s = CLOCK.monotonic_s() - began_s, _cpu_s(city, redis)
    cpu_s = {name: after_s[name] - before_s[name] for name in after_s} | {
        "operators": asked_for.cpu_s,
        "writer": written.cpu_s,
    }
    return {
        "operators": OPERATORS,
        "due": round(OPERATORS * LASTS_S / EVERY_S),
        "asked": len(asked_for.times_s),
        "refused": asked_for.refused,
        "events_a_second": round(written.events / written.duration_s),
        "cores": {name: round(used_s / duration_s, 2) for name, used_s in cpu_s.items()},
    } | percentiles_ms(asked_for.times_s)


def _cpu_s(city: City, redis: Redis) -> dict[str, float]:
    """CPU that the API's processes and Valkey used since they began."""
    found = redis.do("INFO", "cpu")
    assert isinstance(found, dict)
    return {
        "api": cost_of(city.api_pids()).cpu_s,
        "valkey": float(found["used_cpu_sys"]) + float(found["used_cpu_user"]),
    }


def _client(city: City) -> httpx.Client:
    """One for all: to make one takes longer than an answer does."""
    return httpx.Client(
        base_url=f"http://127.0.0.1:{city.port}", headers=city.headers, timeout=30, trust_env=False
    )


def _one_by_one(
    http: httpx.Client, asked: Sequence[Event], often: Sequence[str]
) -> dict[str, dict[str, float]]:
    def events(query: EventQuery) -> None:
        http.get("/v1/events", params=parameters(query)).raise_for_status()

    times = {
        question.name: times_of(lambda e, q=question: events(q.query(e)), asked)  # type: ignore[misc]
        for question in QUESTIONS
    }
    month = {
        "from": rfc3339(asked[0].started_at - MONTH_NS),
        "to": rfc3339(asked[0].started_at + MONTH_NS),
    }
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


@dataclass(frozen=True, slots=True)
class _Written:
    events: int
    duration_s: float
    cpu_s: float


def _arrive(redis_url: str, like: Sequence[Event]) -> _Written:
    """New events by the second, like these but later, for as long as operators ask."""
    source, count, began_s, cpu_began_s = cycle(like), 0, CLOCK.monotonic_s(), time.process_time()
    with closing(connect(redis_url)) as redis:
        index = EventIndex(redis)
        while (late_s := CLOCK.monotonic_s() - began_s) < EVERY_S + LASTS_S:
            CLOCK.sleep(max(0.0, count / ARRIVING - late_s))
            index.put_all(
                [_later(event, count + n) for n, event in enumerate(islice(source, AT_ONCE))]
            )
            count += AT_ONCE
    return _Written(count, CLOCK.monotonic_s() - began_s, time.process_time() - cpu_began_s)


def _later(event: Event, number: int) -> Event:
    """The same passing a month later, one after the other."""
    start_ms, tail = id_parts(event.id)
    moved_ms = start_ms + MONTH_NS // NS_PER_MS
    moments = {
        name: getattr(event, name) + MONTH_NS for name in ("started_at", "best_at", "ended_at")
    }
    return event.model_copy(
        update={"id": id_text(moved_ms, number.to_bytes(4, "big") + tail[:6]), **moments}
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    times_s: list[float]
    """The duration of each query, including its wait for a turn."""
    refused: int
    """Not answered with 200."""
    cpu_s: float


def _operate(base: str, headers: Mapping[str, str], asked: Sequence[Event]) -> _Asked:
    cpu_began_s = time.process_time()
    times_s, refused = asyncio.run(_operators(base, headers, asked))
    return _Asked(times_s, refused, time.process_time() - cpu_began_s)


async def _operators(
    base: str, headers: Mapping[str, str], asked: Sequence[Event]
) -> tuple[list[float], int]:
    times: list[float] = []
    refused = 0
    limits = httpx.Limits(max_connections=OPERATORS, keepalive_expiry=KEPT_S)
    async with httpx.AsyncClient(
        base_url=base, headers=headers, timeout=30, trust_env=False, limits=limits
    ) as client:

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
