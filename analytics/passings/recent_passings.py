"""The passings of one kind that ended lately at one camera, and which of them a new one continues:
what comes back within seconds, or stands where it stood before a time without pictures, has not
passed again. Where one of the two has no text, place and time decide.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.detection.detections import Floats
from analytics.passings.continuity import continues_in_place
from analytics.passings.subjects import Record, Subject
from analytics.tracking.lanes import CountLines, net_crossings
from analytics.tracking.tracker import Track, centre, size_px
from domain.clock import NS_PER_MS
from domain.events.event import Event, Passing

REMEMBERED_NS = 15_000 * NS_PER_MS
RECENT_MOST = 16
BLIND_NS, BLIND_MOST_NS = 2_000 * NS_PER_MS, 600_000 * NS_PER_MS
"""A time without looks from the one to the other: what stood there before it, and stands there
after it, has not gone meanwhile.
"""
STOOD_WITHIN, STOOD_GROWTH = 0.5, 1.25
"""In lengths of its box, and in times its size."""


@dataclass(frozen=True, slots=True)
class Recent:
    """A passing that ended lately, which a new track may turn out to continue."""

    passing: Passing
    from_process_before: bool
    dwelt: bool
    track: Track | None = None
    """None of a process before."""
    blind_ns: int = 0
    """How long there had been no pictures in all when it ended."""

    def stood_at(self, box: Floats) -> bool:
        """Whether it was last seen where `box` is."""
        if self.track is None:
            return False
        size, was = size_px(box), size_px(self.track.box)
        apart_px = float(np.hypot(*(centre(box) - centre(self.track.box))))
        return apart_px < STOOD_WITHIN * min(size, was) and max(size, was) < STOOD_GROWTH * min(
            size, was
        )


class RecentPassings:
    def __init__(self, subject: Subject, lines: CountLines) -> None:
        self._subject = subject
        self._lines = lines
        self._recent: list[Recent] = []
        self._blind_ns = 0
        """How long there were no pictures, in all."""

    def no_looks(self, for_ns: int) -> None:
        """There were none for so long before this one."""
        if BLIND_NS <= for_ns <= BLIND_MOST_NS:
            self._blind_ns += for_ns

    def resume(self, recent: Sequence[Passing]) -> None:
        """What a process before this one left."""
        self._recent += [
            Recent(passing, True, False)
            for passing in recent
            if passing.event.kind == self._subject.kind
        ]

    def add(self, passing: Passing, track: Track, dwelt: bool) -> None:
        """It has ended, so far as is known, and takes the place of what was known of its event."""
        self._recent = [one for one in self._recent if one.passing.event.id != passing.event.id]
        self._recent.append(Recent(passing, False, dwelt, track, self._blind_ns))

    def forget(self, earliest_ns: int, needed_ids: Collection[str]) -> None:
        """Forget what nothing can continue that began at `earliest_ns` or later, but none of
        the events `needed_ids`.
        """
        recent = [
            one
            for one in self._recent
            if earliest_ns - one.passing.event.ended_at - self._blind_since(one) < REMEMBERED_NS
        ]
        kept = {one.passing.event.id for one in recent[-RECENT_MOST:]} | set(needed_ids)
        self._recent = [one for one in self._recent if one.passing.event.id in kept]

    def continued_in_place(
        self, track: Track, in_view: Collection[int], taken_ids: Collection[str]
    ) -> str:
        """The event that `track` continues in place and time, the latest first; empty where there
        is none.

        Events of the tracks numbered `in_view`, which have not ended, and of `taken_ids` are left
        out.
        """
        gap_most_ns = self._subject.gate.unseen_ms * NS_PER_MS
        for recent in reversed(self._recent):
            before, event_id = recent.track, recent.passing.event.id
            if before is None or before.number in in_view or event_id in taken_ids:
                continue
            if continues_in_place(track, before, gap_most_ns):
                return event_id
        return ""

    def continued(self, passing: Passing, record: Record) -> tuple[Passing, Recent | None]:
        """The passing under the id of the one it continues, and that one; or itself and None."""
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
            if self._subject.continues(passing.event, before, recent.from_process_before):
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
    """Whether it is a vehicle whose plate could not be read."""
    return event.plate is not None and not event.plate.text


def _joined(before: Passing, after: Passing, hidden: tuple[int, ...]) -> Passing:
    """One passing of two parts: from the start of the first to the end of the second, with the
    better reading and its pictures.

    `hidden`: the count lines that it crossed between them.
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
