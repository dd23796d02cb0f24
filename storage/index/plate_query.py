"""Which plates a search looks up, and which of their events it accepts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.events.event import Event
from domain.events.misreadings import MatchKind, match_of, misreadings_of, other_provinces
from domain.plates import is_wildcard, plate_expression
from storage.index.plate_code import CodeMask, code_masks, pack

ALTERNATIVE_MIN_CONFIDENCE = 0.05


def found_by(event: Event) -> tuple[str, ...]:
    """Return the texts by which a search finds this event: the correction and the reading; without
    a certain reading, the likely alternatives.
    """
    corrected = (
        (event.corrected.text,) if event.corrected is not None and event.corrected.text else ()
    )
    if event.plate is None:
        return corrected
    if event.plate.text:
        return tuple(dict.fromkeys((*corrected, event.plate.text)))
    likely = (
        other.text
        for other in event.plate.alternatives
        if other.confidence >= ALTERNATIVE_MIN_CONFIDENCE and other.text
    )
    return tuple(dict.fromkeys((*corrected, *likely)))


def is_likely(event: Event, plate: str) -> bool:
    """Return whether an event may show `plate` although it was read otherwise and not corrected."""
    by_person = event.corrected is not None and event.corrected.text
    return (
        event.reading != plate
        and not by_person
        and match_of(event, plate, found_by(event)) is not None
    )


@dataclass(frozen=True, slots=True)
class PlateQuery:
    """Which plates a search looks up, and which of their events it accepts."""

    codes: tuple[bytes, ...] = ()
    masks: tuple[CodeMask, ...] = ()
    accepts: Callable[[Event], bool] = lambda _: True
    is_read: bool = False
    """Whether events that were read as another plate are left out."""

    @classmethod
    def by_pattern(cls, pattern: str) -> PlateQuery | None:
        """Return the query of a pattern; None if nothing can match it."""
        expression = plate_expression(pattern)
        if expression is None:
            return None
        codes = () if is_wildcard(pattern) else _codes([pattern])
        masks = code_masks(pattern) if is_wildcard(pattern) else ()
        return cls(
            codes,
            masks,
            lambda event: any(expression.fullmatch(reading) for reading in found_by(event)),
            True,
        )

    @classmethod
    def by_match_kind(cls, plate: str, kind: MatchKind) -> PlateQuery:
        plates = (
            misreadings_of(plate)
            if kind is MatchKind.MISREADING
            else other_provinces(plate)
            if kind is MatchKind.PROVINCE
            else (plate,)
        )

        def accepts(event: Event) -> bool:
            match = match_of(event, plate, found_by(event))
            return match is not None and match.kind is kind

        return cls(_codes(plates), (), accepts, kind is not MatchKind.ALTERNATIVE)

    @classmethod
    def by_any_match(cls, plate: str) -> PlateQuery:
        plates = (plate, *misreadings_of(plate), *other_provinces(plate))
        return cls(
            _codes(plates), (), lambda event: match_of(event, plate, found_by(event)) is not None
        )


def _codes(plates: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(code for plate in plates if (code := pack(plate)) is not None))
