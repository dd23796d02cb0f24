"""The plates that one likely misreading makes of a plate, and how an event matches the plate of a
query. Pure.

A plate reader confuses characters whose shapes are similar. The public reader was measured to read
U, D and Q as 0, Z as 7 or 2, P as F, and S as 3 or 8. The other pairs are similar by shape. Any
province may be confused with any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.events.event import Event
from domain.plates import PROVINCES

READ_AS = {
    "0": "DQU",
    "1": "7T",
    "2": "Z7",
    "3": "S8",
    "4": "A",
    "5": "S6",
    "6": "G5",
    "7": "Z1T",
    "8": "B3S",
    "9": "8",
    "A": "4",
    "B": "8",
    "C": "G",
    "D": "0Q",
    "E": "F",
    "F": "PE",
    "G": "6C",
    "H": "N",
    "J": "U",
    "K": "X",
    "L": "C",
    "M": "N",
    "N": "HM",
    "P": "F",
    "Q": "0D",
    "R": "K",
    "S": "385",
    "T": "71",
    "U": "0V",
    "V": "UY",
    "W": "M",
    "X": "K",
    "Y": "V",
    "Z": "72",
}
"""For each character, the characters that it is most often misreadings_of as, likeliest first."""


class MatchKind(StrEnum):
    """How an event matches a plate, the most certain first."""

    EXACT = "exact"
    ALTERNATIVE = "alternative"  # the reader considered this plate possible, too
    MISREADING = "misreading"  # one letter or digit was read as a similar one
    PROVINCE = "province"  # only the province differs


MATCH_KINDS = tuple(MatchKind)


@dataclass(frozen=True, slots=True)
class Match:
    kind: MatchKind
    reason: str
    """A sentence for people."""


def misreadings_of(plate: str) -> tuple[str, ...]:
    """Return the likely misreadings of `plate` that differ by one letter or digit, in the order of
    their places.
    """
    return tuple(
        plate[:place] + other + plate[place + 1 :]
        for place in range(1, len(plate))
        for other in READ_AS.get(plate[place], "")
    )


def other_provinces(plate: str) -> tuple[str, ...]:
    """`plate` with every other province; none if it does not begin with a province."""
    if plate[:1] not in PROVINCES:
        return ()
    return tuple(province + plate[1:] for province in PROVINCES if province != plate[0])


def match_of(event: Event, plate: str, exact: Sequence[str]) -> Match | None:
    """Return how `event` matches the whole plate `plate`; None if it does not. `exact` are the
    readings by which a search finds it.
    """
    if event.corrected is not None and event.corrected.text == plate:
        return Match(
            MatchKind.EXACT,
            f"corrected to {plate} by {event.corrected.by}; read as "
            f"{event.corrected.original or 'nothing certain'}",
        )
    if plate in exact:
        return Match(MatchKind.EXACT, f"read as {plate}")
    if event.plate is None:
        return None
    for other in event.plate.alternatives:
        if other.text == plate:
            return Match(
                MatchKind.ALTERNATIVE,
                f"read as {event.plate.text or 'nothing certain'}, with {plate} held possible at "
                f"{other.confidence:.2f}",
            )
    for reading in exact:
        places = [
            place
            for place, pair in enumerate(zip(plate, reading, strict=False))
            if pair[0] != pair[1]
        ]
        if len(reading) != len(plate) or len(places) != 1:
            continue
        (place,) = places
        if place == 0 and plate[0] in PROVINCES and reading[0] in PROVINCES:
            return Match(
                MatchKind.PROVINCE, f"read with the province {reading[0]} instead of {plate[0]}"
            )
        if place > 0 and reading[place] in READ_AS.get(plate[place], ""):
            return Match(
                MatchKind.MISREADING,
                f"{plate[place]} at place {place + 1} is easily read as {reading[place]}",
            )
    return None
