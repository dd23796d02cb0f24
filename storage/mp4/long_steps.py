"""Sample tables with longer ticks, for a pause between two samples that 32 bits cannot express in
ticks of 1/90000 s: 13 hours and more. Pure.

Edit lists could express it too, but libavformat reads wrong samples if an edit that shows nothing
is not the first of its track.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count, pairwise

import numpy as np

from storage.mp4.file_headers import TrackTables
from storage.mp4.sample_tables import PlacedTables, SampleTables, runs

LONGEST_STEP = (1 << 32) - 1 - 480_000
"""The most ticks between two samples. libavformat takes a larger number for a negative one."""


def with_steps_that_fit(track: TrackTables) -> TrackTables:
    """Return the track with ticks of such a length that no pause between two parts has more than
    LONGEST_STEP of them. Mostly it is the track itself. Times are rounded down.
    """
    steps = (following.first_time - one.last_time for one, following in pairwise(track.parts))
    least = -(-max(steps, default=0) // LONGEST_STEP)
    if least <= 1:
        return track
    factor = next(one for one in count(least) if track.timescale % one == 0)
    parts: list[PlacedTables] = []
    for one in track.parts:
        after = parts[-1].last_time if parts else None
        parts.append(PlacedTables(_longer(one, factor, after), 0, one.body_at))
    return TrackTables(track.header, track.timescale // factor, parts)


def _longer(part: PlacedTables, factor: int, after: int | None) -> SampleTables:
    """Return the tables of a part with ticks that are `factor` times as long, and with decoding
    times later than `after`.
    """
    found = part.tables
    decoded, shown = ((times + part.later_ticks) // factor for times in found.times())
    place = np.arange(found.count)
    free = decoded - place
    if after is not None:
        free[0] = max(int(free[0]), after + 1)
    times = np.maximum.accumulate(free) + place
    shown = np.maximum(shown, times)
    return replace(
        found,
        first_time=int(times[0]),
        last_time=int(times[-1]),
        end=part.end // factor,
        latest_shown=int(shown.max()),
        last_duration=found.last_duration // factor,
        steps=runs(np.diff(times)),
        shifts=runs(shown - times) if found.shifts else b"",
    )
