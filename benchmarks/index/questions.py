"""The queries of the benchmark, for the index, for its rivals, and for the API."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from domain.clock import NS_PER_MS, SystemClock, rfc3339
from domain.events.event import Event
from domain.events.query import EventQuery

PAGE = 50
CLOCK = SystemClock()
HOUR_NS, DAY_NS, MONTH_NS = (
    3_600_000 * NS_PER_MS,
    86_400_000 * NS_PER_MS,
    31 * 86_400_000 * NS_PER_MS,
)


@dataclass(frozen=True, slots=True)
class Question:
    """One kind of query: what it asks, made of an event that is there."""

    name: str
    query: Callable[[Event], EventQuery]


def text_of(event: Event) -> str:
    return event.plate.text if event.plate else ""


def _two_known(event: Event) -> str:
    """The plate with two characters known, the rest forgotten."""
    text = text_of(event)
    return f"??{text[2]}??{text[5]}*"


def _around(event: Event, length_ns: int) -> tuple[int, int]:
    start_ns = event.started_at - event.started_at % length_ns
    return start_ns, start_ns + length_ns


def _month(event: Event) -> tuple[int, int]:
    return event.started_at - MONTH_NS, event.started_at + MONTH_NS


def _within(span: tuple[int, int], **asked: str | bool) -> EventQuery:
    return EventQuery(from_ns=span[0], to_ns=span[1], **asked)  # type: ignore[arg-type]


QUESTIONS = (
    Question("exact plate", lambda e: _within(_month(e), plate=text_of(e))),
    Question("two characters known", lambda e: _within(_month(e), plate=_two_known(e))),
    Question("one misreading away", lambda e: _within(_month(e), plate=text_of(e), fuzzy=True)),
    Question("camera and hour", lambda e: _within(_around(e, HOUR_NS), camera=e.camera)),
    Question("area and day", lambda e: _within(_around(e, DAY_NS), area=e.area)),
    Question("newest of all", lambda e: EventQuery()),
)


def parameters(query: EventQuery) -> dict[str, str]:
    """The query as one of the HTTP API."""
    said = {
        "plate": query.plate,
        "camera": query.camera,
        "area": query.area,
        "fuzzy": "1" if query.fuzzy else None,
        "limit": str(PAGE),
    }
    times = {"from": query.from_ns, "to": query.to_ns}
    return {name: value for name, value in said.items() if value} | {
        name: rfc3339(at) for name, at in times.items() if at is not None
    }


def times_of(ask: Callable[[Event], object], events: Iterable[Event]) -> dict[str, float]:
    """Median and 99th percentile of what asking about each event takes, ms."""
    times: list[float] = []
    for event in events:
        began_s = CLOCK.monotonic_s()
        ask(event)
        times.append(CLOCK.monotonic_s() - began_s)
    return percentiles_ms(times)


def percentiles_ms(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {
        f"p{part}_ms": round(float(np.percentile(seconds, part)) * 1000, 2) for part in (50, 99)
    }
