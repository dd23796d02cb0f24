"""The route of journeys: the sightings of a plate in time order, with the legs between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from api.access.api_context import ApiContext, Context, Visible
from api.events.journey_models import Journey, LegView, NearCameraView
from api.events.models import EventView, MatchView
from api.events.unanalysed import unanalysed
from api.requests.cursors import NO_CURSOR, read_cursor, write_cursor
from api.requests.languages import Messages
from api.requests.numbers import WholeNumber
from api.requests.parameters import ExactPlate, From, Next, To, exact_plate
from api.requests.times import check_order
from domain.camera_scope import VisibleCameras
from domain.clock import NS_PER_DAY, NS_PER_MS
from domain.errors import QueryInvalid
from domain.events.event import Event
from domain.events.journeys import Leg, Sighting, joined, legs_between
from domain.events.misreadings import Match, MatchKind, match_of
from domain.events.query import EventQuery
from domain.registry import Registry
from domain.registry.nearby_cameras import CameraMap
from domain.ulid import is_event_id, wall_ms_of
from storage.index.plate_query import found_by

SPAN_NS = 30 * NS_PER_DAY
"""The range of a journey without `from`."""
_MOST_MAPS = 100
MAX_LIKELY = 500
"""The number of likely misreadings that are examined for one page."""

Fuzzy = Annotated[
    bool,
    Query(
        description="also join readings that one likely misreading makes of the plate, where time "
        "and road allow"
    ),
]
Around = Annotated[
    WholeNumber,
    Query(ge=0, le=10, description="most cameras named on each leg, and after the last sighting"),
]
Sightings = Annotated[
    WholeNumber,
    Query(
        alias="limit",
        ge=1,
        le=500,
        description="most sightings of a page, not counting those joined by `fuzzy`",
    ),
]


class _CameraMapCache:
    """Caches the maps of the current registry, one for each scope."""

    def __init__(self) -> None:
        self._registry: Registry | None = None
        self._maps: dict[VisibleCameras, CameraMap] = {}

    def map_of(self, registry: Registry, visible: VisibleCameras) -> CameraMap:
        """Return the map of the visible cameras."""
        if registry is not self._registry or len(self._maps) >= _MOST_MAPS:
            self._registry, self._maps = registry, {}
        maps = self._maps
        if visible not in maps:
            maps[visible] = CameraMap(
                [camera for camera in registry.cameras if camera.id in visible]
            )
        return maps[visible]


_CAMERA_MAPS = _CameraMapCache()


def read_journey(
    context: Context,
    visible: Visible,
    plate: ExactPlate,
    from_ns: From = None,
    to_ns: To = None,
    fuzzy: Fuzzy = False,
    around: Around = 3,
    limit: Sightings = 500,
    next_: Next = None,
    *,
    messages: Messages,
) -> Journey:
    """Return the sightings of a plate in time order, and the legs between them.

    `to` is by default now, `from` 30 days before.
    """
    text = exact_plate(plate)
    search = ("journey", text, from_ns, to_ns, fuzzy)
    after = None if next_ is None else read_after(search, visible, next_)
    end_ns = context.clock.wall_ns() if to_ns is None else to_ns
    begin_ns = max(0, end_ns - SPAN_NS) if from_ns is None else from_ns
    check_order(begin_ns, end_ns)
    found = context.events.sightings(text, visible, (begin_ns, end_ns), limit + 1, after)
    certain, more = found[:limit], len(found) > limit
    before = None if after is None else context.events.get(after, visible)
    known = (*(() if before is None else (before,)), *certain)
    line, is_all = [Sighting(event, Match(MatchKind.EXACT, "")) for event in known], True
    if fuzzy:
        span = _page_span(begin_ns, end_ns, after, certain[-1] if more else None)
        line, is_all = _with_likely(context, visible, text, known, span)
    line = [one for one in line if after is None or one.event.id > after]
    events = [one.event for one in line]
    query = EventQuery(kind="vehicle", from_ns=begin_ns, to_ns=end_ns)
    cameras = _CAMERA_MAPS.map_of(context.registry().registry, visible)
    return Journey(
        plate=text,
        from_=begin_ns,
        to=end_ns,
        sightings=[EventView.of(event, messages) for event in events],
        matches=[MatchView.of(one.match) for one in line] if fuzzy else [],
        legs=_legs(cameras, ([] if before is None else [before]) + events, around),
        expected=_expected(cameras, events, around) if not more else [],
        truncated=more,
        likely_truncated=not is_all,
        next=write_cursor(search, visible, certain[-1].id) if more else None,
        unanalysed=unanalysed(context, query, visible) if next_ is None else None,
    )


def read_after(search: object, visible: VisibleCameras, cursor: str) -> str:
    """Return the event id of a cursor. Raises QueryInvalid."""
    after = read_cursor(search, visible, cursor)
    if not is_event_id(after):
        raise QueryInvalid("next", NO_CURSOR)
    return after


def _page_span(
    begin_ns: int, end_ns: int, after: str | None, last: Event | None
) -> tuple[int, int]:
    """Return the time range of a page.

    It begins after the last sighting of the previous page, which may be deleted since, and ends
    with the last sighting of this page, or at `end_ns` on the last page.
    """
    return (
        begin_ns if after is None else (wall_ms_of(after) + 1) * NS_PER_MS,
        end_ns if last is None else last.started_at + NS_PER_MS,
    )


def _with_likely(
    context: ApiContext,
    visible: VisibleCameras,
    plate: str,
    known: Sequence[Event],
    span: tuple[int, int],
) -> tuple[list[Sighting], bool]:
    """Join likely misreadings to the sightings; return also whether all of them were examined."""
    page = context.events.likely(plate, visible, span, MAX_LIKELY)
    likely = [(event, _match(event, plate)) for event in page.events]
    return joined(known, likely, plate), page.next is None


def _match(event: Event, plate: str) -> Match:
    match = match_of(event, plate, found_by(event)) or Match(MatchKind.PROVINCE, "")
    if match.kind is MatchKind.EXACT:
        return Match(MatchKind.ALTERNATIVE, f"read as nothing certain, with {plate} held possible")
    return match


def _legs(cameras: CameraMap, events: Sequence[Event], around: int) -> list[LegView]:
    legs = legs_between(events)
    return [
        LegView.of(leg, _passed(cameras, leg, a, b, around))
        for leg, a, b in zip(legs, events, events[1:], strict=False)
    ]


def _passed(cameras: CameraMap, leg: Leg, a: Event, b: Event, around: int) -> list[NearCameraView]:
    """Return the cameras that the vehicle probably passed; an impossible leg has none."""
    if leg.impossible or not around or a.camera == b.camera:
        return []
    return [
        NearCameraView.of(near)
        for near in cameras.passed(a.location, b.location, around, (a.camera, b.camera))
    ]


def _expected(cameras: CameraMap, events: Sequence[Event], around: int) -> list[NearCameraView]:
    if not events or not around:
        return []
    return [
        NearCameraView.of(near)
        for near in cameras.nearest(events[-1].location, around, (events[-1].camera,))
    ]
