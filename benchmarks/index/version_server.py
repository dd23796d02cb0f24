"""Serves drawn events at the API of one checkout, for `benchmarks/index/versions.py`.

It runs with the PYTHONPATH of that checkout, which may be an older one. So it imports only what
both have. It prints its address, tokens and processes as one line of JSON, and ends with its input.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import traffic
from benchmarks.city import City

if TYPE_CHECKING:
    from domain.events.event import Event

BATCH = 10_000
EVENTS_A_DAY = 333_333
SMALL_SCOPE = 20


def registry_entries(events: Iterable[Event]) -> list[dict[str, object]]:
    """Return an entry of the registry for each camera of these events."""
    found = {event.camera: event for event in events}
    return [
        {
            "id": camera,
            "name": camera,
            "class": event.class_,
            "area": event.area,
            "location": event.location.model_dump(exclude_none=True),
            "url": "rtsp://127.0.0.1:9/x",
        }
        for camera, event in sorted(found.items())
    ]


def event_index(redis: object) -> Any:
    """Return the event index of the checkout: its module was moved."""
    try:
        module = import_module("storage.index.event_index")
    except ModuleNotFoundError:
        module = import_module("storage.index")
    return module.EventIndex(redis)


def drawn_events(events: int) -> Iterator[Event]:
    return traffic.City(events, events / EVENTS_A_DAY).drawn()


def fill(city: City, events: int) -> None:
    index, drawn = event_index(city.redis), drawn_events(events)
    while batch := list(islice(drawn, BATCH)):
        index.put_all(batch)


def people(city: City, is_scoped: bool) -> dict[str, str]:
    """Return the tokens of people with different scopes, by name."""
    scopes: dict[str, list[str]] = {"unlimited": []}
    if is_scoped:
        step = traffic.CAMERAS // SMALL_SCOPE
        some = [f"gate-{number * step:04d}" for number in range(SMALL_SCOPE)]
        scopes["one area"] = ["--area", "city/district-07"]
        scopes["20 cameras"] = [word for name in some for word in ("--camera", name)]
    return {
        name: city.run(
            "user", "add", name.replace(" ", "-"), "--role", "investigator", *words
        ).splitlines()[-1]
        for name, words in scopes.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--scoped", action="store_true")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="sightline-version-") as folder,
        City(
            Path(folder), registry_entries(islice(drawn_events(asked.events), 50_000)), ()
        ) as city,
    ):
        fill(city, asked.events)
        said = {
            "port": city.port,
            "tokens": people(city, asked.scoped),
            "api": city.api_pids(),
            "valkey": [city.valkey.pid],
        }
        print(json.dumps(said), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
