"""How fast recordings are served that the API reads through a network."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks.cameras import Picture
from benchmarks.city import City
from benchmarks.processes import cost_of
from benchmarks.recordings.client import (
    CAMERA,
    Client,
    camera,
    is_covered,
    path_of,
    rounded,
    to_tenth,
    wait,
    whole_hour_ns,
)
from benchmarks.recordings.open_responses import memory_of_responses
from benchmarks.recordings.recorded_day import RecordedDay, record_day
from benchmarks.site import CLOCK
from domain.clock import NS_PER_HOUR, NS_PER_S, rfc3339

LENGTH_S = 258
"""Further ranges of this length are within five minutes."""
OPEN_LENGTH_S = 3000
"""The length of ranges within the hour that the node has."""
STEP_S = 7
"""How much later each repeated range begins, so that no file is served from a cache."""
REPEATS = 5
SETTLED_S = 20.0
"""The names in the folder of a day that was just recorded are not cached."""
NODE = "north"


def remote_times(client_of: Callable[[int, int], Client]) -> dict[str, object]:
    """Return the times to the headers and the first picture of recordings that the API reads
    through a network: of the first request, and the median of further ranges; and of a whole range.
    """
    cold = client_of(0, LENGTH_S).first_bytes()
    again = [client_of(STEP_S * n, LENGTH_S).first_bytes() for n in range(1, REPEATS + 1)]
    warm = {key: statistics.median(one[key] for one in again) for key in cold}
    whole = client_of(0, LENGTH_S).whole()
    found = {"whole_ms": to_tenth(1000 * whole["whole_s"]), "mb": to_tenth(whole["bytes"] / 1e6)}
    return {"cold": rounded(cold), "cached": rounded(warm), **found}


def node_times(folder: Path, picture: Picture, paused: int) -> dict[str, object]:
    """Return `remote_times` of segments on a node whose files the API cannot read, and the memory
    of so many open responses.
    """
    city = City(folder, [camera(CAMERA, "rtsp://127.0.0.1:1/none")], (NODE,))
    day = RecordedDay(CAMERA, whole_hour_ns() - 2 * NS_PER_HOUR, 1)
    record_day(city.nodes[NODE].layout, day, picture)
    span = {"from": rfc3339(day.start_ns), "to": rfc3339(day.start_ns + NS_PER_S)}

    def serves() -> bool:
        try:
            return is_covered(city.get(f"/v1/cameras/{CAMERA}/coverage", **span))
        except httpx.TransportError:
            return False

    with city:
        wait(serves)
        CLOCK.sleep(SETTLED_S)

        def client(offset_s: int, seconds: int) -> Client:
            return Client(city.port, city.headers, path_of(day, offset_s, seconds))

        times = remote_times(client)
        clients = [client(STEP_S * number, OPEN_LENGTH_S) for number in range(paused)]
        memory = memory_of_responses(lambda: cost_of(city.api_pids()).proportional_bytes, clients)
        return times | {"open responses": memory}
