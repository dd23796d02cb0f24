"""The route of impossible legs: cloned plates and misreadings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from api.access.api_context import ApiContext, Context, Visible
from api.events.journey_models import ImpossibleList, ImpossibleView, LegView
from api.events.journeys import read_after
from api.events.models import EventView
from api.requests.cursors import write_cursor
from api.requests.languages import Messages
from api.requests.parameters import AreaOf, From, Limit, Next, PlateOf, To
from api.requests.times import check_order
from domain.camera_scope import VisibleCameras
from domain.clock import NS_PER_HOUR, NS_PER_MS, NS_PER_S, S_PER_DAY
from domain.errors import QueryInvalid
from domain.events.event import Event
from domain.events.journeys import leg
from domain.plates import plate_expression, search_pattern
from domain.ulid import id_text, wall_ms_of
from storage.events.journey_legs import EventLegs

SPAN_S, LONGEST_S = 7 * S_PER_DAY, 31 * S_PER_DAY
PAIRS_PER_LOAD, MAX_PAIRS, MAX_PAIRS_IN_SCOPE = 64, 1024, 16_384
"""The number of pairs whose events are loaded together, for one page, and for one page of a person
with a limited scope.

If few of them match the filters, the page is short and has `next`.
"""

CameraOf = Annotated[str | None, Query(max_length=64, description="a camera's id, at either end")]


@dataclass(frozen=True, slots=True)
class PairFilter:
    """The filters of a request, applied to the two events of a leg."""

    area: str | None
    camera: str | None
    plate: str | None

    def matches(self, a: Event, b: Event) -> bool:
        return (
            (self.camera is None or self.camera in (a.camera, b.camera))
            and (
                self.area is None
                or any(
                    one.area == self.area or one.area.startswith(f"{self.area}/") for one in (a, b)
                )
            )
            and (self.plate is None or _fits(self.plate, b.reading))
        )


@dataclass(frozen=True, slots=True)
class _FoundPairs:
    """The pairs of legs that are examined for one page, for a person."""

    legs: EventLegs
    pairs: Sequence[tuple[str, str]]
    visible: VisibleCameras
    messages: Messages


def _rounded(event_id: str) -> str:
    """Return an id of the same time that no event has.

    The last pair that was examined may be outside the scope; its id must not be in a cursor.
    """
    return id_text(wall_ms_of(event_id), bytes(10))


def _fits(pattern: str, plate: str) -> bool:
    expression = plate_expression(pattern)
    return expression is not None and expression.fullmatch(plate) is not None


def list_impossible(
    context: Context,
    visible: Visible,
    messages: Messages,
    from_ns: From = None,
    to_ns: To = None,
    area: AreaOf = None,
    camera: CameraOf = None,
    plate: PlateOf = None,
    limit: Limit = 50,
    next_: Next = None,
) -> ImpossibleList:
    """List legs that no vehicle could drive, the latest first, of at most 31 days.

    `to` is by default now, `from` 7 days before.
    """
    pair_filter = PairFilter(area, camera, None if plate is None else search_pattern(plate))
    search = ("impossible", from_ns, to_ns, pair_filter)
    after = None if next_ is None else read_after(search, visible, next_)
    end_ns = context.clock.wall_ns() if to_ns is None else to_ns
    begin_ns = max(0, end_ns - SPAN_S * NS_PER_S) if from_ns is None else from_ns
    check_order(begin_ns, end_ns)
    if end_ns - begin_ns > LONGEST_S * NS_PER_S:
        raise QueryInvalid(
            "from",
            "lies more than {most_days} days before `to`; request a shorter range",
            most_days=LONGEST_S // S_PER_DAY,
        )
    legs = context.events.impossible(begin_ns // NS_PER_HOUR, (end_ns - 1) // NS_PER_HOUR)
    found = legs.found
    pairs = [
        pair
        for pair in found.pairs
        if begin_ns <= wall_ms_of(pair[1]) * NS_PER_MS < end_ns
        and (after is None or pair[1] < after)
    ]
    most = MAX_PAIRS if visible.is_all else MAX_PAIRS_IN_SCOPE
    found_pairs = _FoundPairs(legs, pairs[:most], visible, messages)
    items, last = _page(context, found_pairs, pair_filter, limit)
    more = bool(pairs) and last != pairs[-1][1]
    if not visible.is_all and (not items or last != items[-1].sightings[-1].id):
        last = _rounded(last)
    exact = not found.pending_hours and not found.overfull_hours
    return ImpossibleList(
        items=items,
        next=write_cursor(search, visible, last) if more else None,
        exact=exact,
        unlooked_hours=found.pending_hours,
    )


def _page(
    context: ApiContext, found: _FoundPairs, pair_filter: PairFilter, limit: int
) -> tuple[list[ImpossibleView], str]:
    """Return the first `limit` matching pairs, and the later event id of the last examined pair."""
    items: list[ImpossibleView] = []
    for later, item in _loaded(context, found, pair_filter):
        items += [] if item is None else [item]
        if len(items) == limit:
            return items, later
    return items, found.pairs[-1][1] if found.pairs else ""


def _loaded(
    context: ApiContext, found: _FoundPairs, pair_filter: PairFilter
) -> Iterator[tuple[str, ImpossibleView | None]]:
    """Yield the later event id of each pair with its view.

    The view is None where the pair does not match, or an event was deleted or corrected since.
    """
    for start in range(0, len(found.pairs), PAIRS_PER_LOAD):
        chunk = found.pairs[start : start + PAIRS_PER_LOAD]
        ends = context.events.ends(found.legs, found.visible, chunk)
        for (_, later), (a, b) in zip(chunk, ends, strict=True):
            if a is None or b is None or not pair_filter.matches(a, b):
                yield later, None
            else:
                yield later, _view(a, b, found.messages)


def _view(a: Event, b: Event, messages: Messages) -> ImpossibleView | None:
    way = leg(a, b)
    if not way.impossible or a.reading != b.reading:
        return None
    sightings = [EventView.of(one, messages) for one in (a, b)]
    return ImpossibleView(plate=b.reading, sightings=sightings, leg=LegView.of(way, []))
