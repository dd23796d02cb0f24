"""A camera that was recorded an hour ago: eight seconds, a gap of six, and four seconds more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from domain.clock import NS_PER_HOUR, NS_PER_S, SystemClock, rfc3339
from domain.paths.data_layout import Layout

if TYPE_CHECKING:
    from tests.api.conftest import Site

START_NS = SystemClock().wall_ns() // NS_PER_S * NS_PER_S - NS_PER_HOUR
CAMERA = "/v1/cameras/east-gate"
Record = Callable[[Layout, str, int, float], Path]


def at(seconds: float) -> int:
    return START_NS + round(seconds * NS_PER_S)


def span(from_s: float, to_s: float) -> str:
    return f"from={rfc3339(at(from_s))}&to={rfc3339(at(to_s))}"


def record_twice(site: Site, record: Record) -> None:
    for start_s in (0, 4, 14):
        record(site.layout, "east-gate", at(start_s), 4)
    site.hold("east-gate")
