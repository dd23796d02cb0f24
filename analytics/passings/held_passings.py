"""Holds an unread passing back after its end, because a later track may continue it and read its
plate.

A passing without a text is held for the time in which the same vehicle may be found again
(`AssociationGate.unseen_ms`). While a track that began in that time is too short to be placed, it
is held for up to twice that time. While a track that continues it is in view, the two are one
passing, which is held for at most as long as any passing in view.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from analytics.passings.subjects import Record
from domain.events.event import Passing


@dataclass(frozen=True, slots=True)
class HeldPassing:
    """A passing that is held back."""

    passing: Passing
    record: Record
    """The record of its last track."""

    @property
    def event_id(self) -> str:
        return self.passing.event.id


class HeldPassings:
    """The held passings of one kind at one camera."""

    def __init__(self, max_gap_ns: int, max_in_view_ns: int) -> None:
        self._max_gap_ns = max_gap_ns
        self._max_in_view_ns = max_in_view_ns
        self._held: dict[str, HeldPassing] = {}

    def __bool__(self) -> bool:
        return bool(self._held)

    @property
    def event_ids(self) -> set[str]:
        return set(self._held)

    @property
    def passings(self) -> list[Passing]:
        return [held.passing for held in self._held.values()]

    def hold(self, passing: Passing, record: Record) -> None:
        """Hold a passing, and replace an earlier one with the same id."""
        self._held[passing.event.id] = HeldPassing(passing, record)

    def drop(self, event_id: str) -> None:
        """Forget the passing with this id, if there is one: it is published as a part of a longer
        one.
        """
        self._held.pop(event_id, None)

    def release(self, now_ns: int, in_view: Collection[Record]) -> list[HeldPassing]:
        """Remove and return the passings that are to be published now.

        `in_view` are the records of the tracks that have not ended.
        """
        return self._remove(
            [
                held
                for held in self._held.values()
                if now_ns - held.record.track.last_ns >= self._limit_ns(held, in_view)
            ]
        )

    def close(self) -> list[HeldPassing]:
        """Remove and return all passings."""
        return self._remove(list(self._held.values()))

    def _remove(self, released: list[HeldPassing]) -> list[HeldPassing]:
        for held in released:
            del self._held[held.event_id]
        return released

    def _limit_ns(self, held: HeldPassing, in_view: Collection[Record]) -> int:
        if any(record.continues_id == held.event_id for record in in_view):
            return self._max_in_view_ns
        began_ns = (
            record.track.first_ns - held.record.track.last_ns
            for record in in_view
            if not record.is_placed
        )
        return self._max_gap_ns * (
            2 if any(0 < gap_ns <= self._max_gap_ns for gap_ns in began_ns) else 1
        )
