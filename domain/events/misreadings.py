"""Which plates one likely misreading turns a plate into, and what ties an event to the plate that
was asked for. Pure.

A plate reader errs where the plate font's shapes are near each other. That U, D and Q are read as
0, Z as 7 or 2, P as F, and S as 3 or 8 was measured on the public reader; the other pairs are
neighbours by shape. Of provinces any may be taken for any other.
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
"""For each character what it is most likely read as instead, likeliest first."""


class Tie(StrEnum):
    """What ties an event to a plate, from the surest."""

    EXACT = "exact"
    ALTERNATIVE = "alternative"  # read otherwise, and the reader itself held this plate possible
    MISREADING = "misreading"  # read as what one letter or digit of it is likely to be taken for
    PROVINCE = "province"  # read the same but for the province


TIES = tuple(Tie)


@dataclass(frozen=True, slots=True)
class Match:
    tie: Tie
    reason: str
    """A sentence for people."""


def misread(plate: str) -> tuple[str, ...]:
    """What `plate` reads as when one of its letters or digits is misread, likeliest places
    apart.
    """
    return tuple(
        plate[:place] + other + plate[place + 1 :]
        for place in range(1, len(plate))
        for other in READ_AS.get(plate[place], "")
    )


def other_provinces(plate: str) -> tuple[str, ...]:
    """`plate` with each other province; none where it begins with no province."""
    if plate[:1] not in PROVINCES:
        return ()
    return tuple(province + plate[1:] for province in PROVINCES if province != plate[0])


def match_of(event: Event, plate: str, exact: Sequence[str]) -> Match | None:
    """What ties `event` to the whole plate `plate`; `exact` are the readings that it is found
    by. None where nothing does.
    """
    if event.corrected is not None and event.corrected.text == plate:
        return Match(
            Tie.EXACT,
            f"corrected to {plate} by {event.corrected.by}; read as "
            f"{event.corrected.original or 'nothing certain'}",
        )
    if plate in exact:
        return Match(Tie.EXACT, f"read as {plate}")
    if event.plate is None:
        return None
    for other in event.plate.alternatives:
        if other.text == plate:
            return Match(
                Tie.ALTERNATIVE,
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
            return Match(Tie.PROVINCE, f"read with the province {reading[0]} instead of {plate[0]}")
        if place > 0 and reading[place] in READ_AS.get(plate[place], ""):
            return Match(
                Tie.MISREADING,
                f"{plate[place]} at place {place + 1} is easily read as {reading[place]}",
            )
    return None
