"""The passings of one kind that ended recently at one camera, and which of them a new one
continues.

A vehicle that returns within seconds has not passed again. Neither has one that stood when a time
without looks began, and is in the same place afterwards. One that was moving has: it left the view,
and came again. If one of the two passings has no text, place and time decide.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.detection.detections import Floats
from analytics.passings.continuity import continues_in_place, stood_at_end
from analytics.passings.subjects import Record, Subject
from analytics.tracking.lanes import CountLines, net_crossings
from analytics.tracking.tracker import Track, centre, size_px
from domain.clock import NS_PER_MS
from domain.events.event import Event, Passing

REMEMBERED_NS = 15_000 * NS_PER_MS
MAX_RECENT = 16
MIN_BLIND_NS, MAX_BLIND_NS = 2_000 * NS_PER_MS, 600_000 * NS_PER_MS
"""The shortest and the longest time without looks after which a vehicle that stood and is in the
same place is the same vehicle. There are no looks while the camera is away, and while an overloaded
worker decodes none of its groups of pictures.
"""
STOOD_WITHIN, STOOD_GROWTH = 0.5, 1.25
"""The largest distance in lengths of the box, and the largest ratio of sizes."""


@dataclass(frozen=True, slots=True)
class Recent:
    """A passing that ended recently, which a new track may continue."""

    passing: Passing
    is_from_earlier_process: bool
    dwelt: bool
    track: Track | None = None
    """It is None for a passing of an earlier process."""
    blind_ns: int = 0
    """The total time without looks until it ended."""

    def stood_at(self, box: Floats) -> bool:
        """Return whether it stood when it was last seen, in the place of `box`."""
        if self.track is None or not stood_at_end(self.track):
            return False
        size, was = size_px(box), size_px(self.track.box)
        apart_px = float(np.hypot(*(centre(box) - centre(self.track.box))))
        return apart_px < STOOD_WITHIN * min(size, was) and max(size, was) < STOOD_GROWTH * min(
            size, was
        )


class RecentPassings:
    """Finds the recent passing that a new one continues."""

    def __init__(self, subject: Subject, lines: CountLines) -> None:
        self._subject = subject
        self._lines = lines
        self._recent: list[Recent] = []
        self._blind_ns = 0
        """The total time without looks."""

    def on_blind_time(self, for_ns: int) -> None:
        """Note that there was no look for so long before the present one."""
        if MIN_BLIND_NS <= for_ns <= MAX_BLIND_NS:
            self._blind_ns += for_ns

    def resume(self, recent: Sequence[Passing]) -> None:
        """Add the passings that an earlier process saw last."""
        self._recent += [
            Recent(passing, True, False)
            for passing in recent
            if passing.event.kind == self._subject.kind
        ]

    def add(self, passing: Passing, track: Track, dwelt: bool) -> None:
        """Add a passing that has ended, and replace an earlier one with its event id."""
        self._recent = [past for past in self._recent if past.passing.event.id != passing.event.id]
        self._recent.append(Recent(passing, False, dwelt, track, self._blind_ns))

    def forget(self, earliest_ns: int, needed_ids: Collection[str]) -> None:
        """Forget the passings that no track since `earliest_ns` can continue.

        The events `needed_ids` are kept.
        """
        recent = [
            past
            for past in self._recent
            if earliest_ns - past.passing.event.ended_at - self._blind_since(past) < REMEMBERED_NS
        ]
        kept = {past.passing.event.id for past in recent[-MAX_RECENT:]} | set(needed_ids)
        self._recent = [past for past in self._recent if past.passing.event.id in kept]

    def continued_in_place(
        self, track: Track, in_view: Collection[int], other_ids: Collection[str]
    ) -> str:
        """Return the id of the latest event that `track` continues in place and time, or "".

        The events of the tracks with the numbers `in_view`, which have not ended, and the events
        `other_ids` are excluded.
        """
        max_gap_ns = self._subject.gate.unseen_ms * NS_PER_MS
        for recent in reversed(self._recent):
            before, event_id = recent.track, recent.passing.event.id
            if before is None or before.number in in_view or event_id in other_ids:
                continue
            if continues_in_place(track, before, max_gap_ns):
                return event_id
        return ""

    def continued(self, passing: Passing, record: Record) -> tuple[Passing, Recent | None]:
        """Return the passing with the id of the one that it continues, and that one, or None."""
        for recent in reversed(self._recent):
            before = recent.passing.event
            if before.started_at >= passing.event.started_at:
                continue
            if before.id == record.continues_id and (is_unread(before) or is_unread(passing.event)):
                return self._join(recent, passing, record), recent
            if self._blind_since(recent) and recent.stood_at(record.track.first_box):
                before = before.model_copy(
                    update={"ended_at": before.ended_at + self._blind_since(recent)}
                )
            if self._subject.continues(passing.event, before, recent.is_from_earlier_process):
                return self._join(recent, passing, record), recent
        return passing, None

    def _join(self, recent: Recent, passing: Passing, record: Record) -> Passing:
        hidden = (
            ()
            if recent.track is None
            else self._lines.crossed_between(recent.track, record.track, record.size_px)
        )
        return _joined(recent.passing, passing, hidden)

    def _blind_since(self, recent: Recent) -> int:
        return self._blind_ns - recent.blind_ns if recent.track is not None else 0


def is_unread(event: Event) -> bool:
    """Return whether it is a vehicle whose plate could not be read."""
    return event.plate is not None and not event.plate.text


def _joined(before: Passing, after: Passing, hidden: tuple[int, ...]) -> Passing:
    """Return one passing of two parts, with the better reading and its pictures.

    `hidden` are the count lines that it crossed between the two.
    """
    a, b = before.event, after.event
    better = before if _merit(a) > _merit(b) else after
    whole = {
        "id": a.id,
        "started_at": a.started_at,
        "ended_at": max(a.ended_at, b.ended_at),
        "direction": better.event.direction or a.direction or b.direction,
        "crossed": net_crossings((*a.crossed, *hidden, *b.crossed)),
    }
    return Passing(better.event.model_copy(update=whole), better.snapshot_jpeg, better.crop_jpeg)


def _merit(event: Event) -> float:
    return event.plate.confidence if event.plate is not None else event.confidence
