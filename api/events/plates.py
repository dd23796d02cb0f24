"""The route of plates: those that continue what was typed, for suggestions while typing."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from api.access.api_context import Context, Visible
from api.requests.answers import Answer
from api.requests.numbers import WholeNumber
from api.requests.parameters import From
from domain.clock import NS_PER_DAY
from domain.errors import QueryInvalid
from domain.events.query import EventQuery
from domain.plates import is_wildcard, plate_expression, search_pattern
from domain.stored_model import WallNs
from storage.index.plate_query import found_by

LEAST_KNOWN = 3
"""Fewer known characters would list what passed last, whatever plate it has."""
USUAL_DAYS = 30
_EVENTS_READ = 200
_START = Query(
    max_length=16,
    description="what was typed: the beginning of a plate; `?` stands for one character, `*` for "
    "any",
    examples=["鄂C12"],
)


class PlateView(Answer):
    """A plate that was seen."""

    plate: str
    seen_at: WallNs = Field(description="when it was seen last, among the events that were read")
    camera: str = Field(description="the camera that saw it then")


class PlateList(Answer):
    """Plates, that which was seen last first."""

    items: list[PlateView]
    is_whole: bool = Field(description="false if more events match than were read")


def list_plates(
    context: Context,
    visible: Visible,
    start: Annotated[str, _START],
    from_ns: From = None,
    limit: Annotated[WholeNumber, Query(ge=1, le=20, description="most plates")] = 8,
) -> PlateList:
    """List plates that begin with a text, those seen last first. `from` is by default 30 days ago.

    The newest 200 matching events are read, so a plate that was seen only before them is missing.
    """
    pattern = search_pattern(start)
    if sum(not is_wildcard(character) for character in pattern) < LEAST_KNOWN:
        raise QueryInvalid(
            "start", "needs at least {least_known} known characters", least_known=LEAST_KNOWN
        )
    pattern = pattern.rstrip("*") + "*"
    if from_ns is None:
        days = min(USUAL_DAYS, context.settings.index_days)
        from_ns = context.clock.wall_ns() - days * NS_PER_DAY
    page = context.events.query(EventQuery(plate=pattern, from_ns=from_ns), visible, _EVENTS_READ)
    expression = plate_expression(pattern)
    found: dict[str, PlateView] = {}
    for event in page.events if expression is not None else ():
        for plate in found_by(event):
            if expression is not None and expression.fullmatch(plate):
                seen = PlateView(plate=plate, seen_at=event.started_at, camera=event.camera)
                found.setdefault(plate, seen)
    return PlateList(items=list(found.values())[:limit], is_whole=page.next is None)
