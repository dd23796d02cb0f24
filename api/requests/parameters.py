"""The parameters that several routes share. FastAPI validates them and OpenAPI shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import Depends, Path, Query
from pydantic import AfterValidator

from api.requests.numbers import Decimal, WholeNumber
from api.requests.shapes import parse_circle, parse_polygon
from api.requests.times import Moment, check_order
from domain.errors import QueryInvalid
from domain.events.event import Kind
from domain.events.query import EventQuery
from domain.messages.message import Message
from domain.plates import PlateColor, is_wildcard, search_pattern
from domain.ulid import is_event_id

EXAMPLE_ID = "01JD7Z3V5G8M2K4Q6R9T1W3Y5A"


def _event_id(text: str) -> str:
    if not is_event_id(text):
        raise ValueError(
            Message(
                "is no event id; an id is 26 digits and capital letters of a ULID, such as "
                "{example}",
                example=EXAMPLE_ID,
            )
        )
    return text


EventId = Annotated[
    str,
    Path(alias="id", description="the event's id (ULID)", examples=[EXAMPLE_ID]),
    AfterValidator(_event_id),
]
CameraId = Annotated[
    str,
    Path(
        alias="id",
        max_length=64,
        description="the camera's id in the registry",
        examples=["junzhou-east-gate"],
    ),
]
HoldId = Annotated[
    str,
    Path(
        alias="id",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        description="the hold's id",
        examples=["20251009-5f1c0a52"],
    ),
]
WatchId = Annotated[
    str,
    Path(
        alias="id",
        pattern=r"^\d{8}-[0-9a-f]{8}$",
        description="the watch's id",
        examples=["20261124-5f1c0a52"],
    ),
]
From = Annotated[Moment | None, Query(alias="from", description="at or after this time (RFC 3339)")]
To = Annotated[Moment | None, Query(alias="to", description="before this time (RFC 3339)")]
RangeFrom = Annotated[Moment, Query(alias="from", description="where the range begins (RFC 3339)")]
RangeTo = Annotated[Moment, Query(alias="to", description="where the range ends (RFC 3339)")]
Limit = Annotated[WholeNumber, Query(ge=1, le=500, description="most items of a page")]
Next = Annotated[
    str | None,
    Query(alias="next", max_length=200, description="`next` of the previous page, unchanged"),
]
AreaOf = Annotated[
    str | None,
    Query(max_length=200, description="an area and all below it", examples=["danjiangkou/junzhou"]),
]
ClassOf = Annotated[
    Literal["A", "B", "C"] | None, Query(alias="class", description="the camera's class")
]
PlateOf = Annotated[
    str | None,
    Query(max_length=32, description="a plate; `?` one character, `*` any", examples=["鄂F8888?"]),
]
ExactPlate = Annotated[
    str,
    Query(
        alias="plate",
        max_length=32,
        description="a whole plate, without wildcards",
        examples=["鄂F88888"],
    ),
]


NearOf = Annotated[
    str | None,
    Query(
        max_length=80,
        description="longitude,latitude,metres: cameras within this circle",
        examples=["111.513,32.54,800"],
    ),
]
WithinOf = Annotated[
    str | None,
    Query(
        max_length=2000,
        description="three or more longitude,latitude pairs with ; between: cameras within this "
        "polygon",
    ),
]


async def passing_filter(
    kind: Annotated[Kind | None, Query(description="vehicles or faces")] = None,
    camera: Annotated[str | None, Query(max_length=64, description="a camera's id")] = None,
    area: AreaOf = None,
    class_: ClassOf = None,
    plate: PlateOf = None,
    color: Annotated[PlateColor | None, Query(description="the plate's colour")] = None,
    min_confidence: Annotated[
        Decimal | None, Query(ge=0, le=1, description="least confidence of the detection")
    ] = None,
    direction: Annotated[
        Literal["toward", "away", "left", "right", "unknown"] | None,
        Query(
            description="direction of travel, as the camera sees it; `unknown`: passings without "
            "a direction"
        ),
    ] = None,
    lane: Annotated[
        WholeNumber | None,
        Query(
            ge=0,
            le=99,
            description="number, from 1, of the camera's lane in the registry; 0: in none",
        ),
    ] = None,
    near: NearOf = None,
    within: WithinOf = None,
) -> EventQuery:
    """Return the filter for passings of any time. Raises QueryInvalid."""
    pattern = None if plate is None else search_pattern(plate)
    circle = None if near is None else parse_circle(near)
    polygon = None if within is None else parse_polygon(within)
    return EventQuery(
        kind=kind,
        camera=camera,
        area=area,
        class_=class_,
        plate=pattern,
        color=color,
        min_confidence=min_confidence,
        near=circle,
        within=polygon,
        direction="" if direction == "unknown" else direction,
        lane=lane,
    )


async def event_query(
    filter_: Annotated[EventQuery, Depends(passing_filter)],
    from_ns: From = None,
    to_ns: To = None,
    order: Annotated[Literal["newest", "oldest"], Query(description="which come first")] = "newest",
    fuzzy: Annotated[
        bool,
        Query(
            description="with a whole plate: also find what one likely misreading makes of it, "
            "the surest first"
        ),
    ] = False,
) -> EventQuery:
    """Return the query of a search. Raises QueryInvalid."""
    check_order(from_ns, to_ns)
    if fuzzy and (filter_.plate is None or is_wildcard(filter_.plate)):
        raise QueryInvalid(
            "fuzzy", "needs a whole plate; a pattern with ? or * finds what fits it already"
        )
    return replace(filter_, from_ns=from_ns, to_ns=to_ns, order=order, fuzzy=fuzzy)


def exact_plate(typed: str) -> str:
    """Normalise a whole plate. Raises QueryInvalid for wildcards and for invalid characters."""
    pattern = search_pattern(typed)
    if is_wildcard(pattern):
        raise QueryInvalid(
            "plate",
            "must be a whole plate here; find it first with GET /v1/events?plate=…, which takes ? "
            "and *",
        )
    return pattern
