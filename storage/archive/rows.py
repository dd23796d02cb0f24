"""An event as a row of the archive's Parquet files, and back. Pure.

Columns hold what searches ask for and nearly every field; an event that they would not give back
exactly has its JSON in `body` as well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from domain.clock import NS_PER_MS
from domain.events.event import SCHEMA, Alternative, Event, Kind, Location, Plate
from domain.plates import PlateColor
from domain.stored_model import unreadable
from domain.trusted_models import construct_trusted
from domain.ulid import id_parts
from storage.archive.day import COLUMNS_VERSION
from storage.index.plate_query import found_by

TYPES = {
    "plate": "VARCHAR",
    "others": "VARCHAR",
    "id": "VARCHAR",
    "start_ms": "BIGINT",
    "best_ms": "BIGINT",
    "end_ms": "BIGINT",
    "kind": "VARCHAR",
    "camera": "VARCHAR",
    "class": "VARCHAR",
    "area": "VARCHAR",
    "lon": "DOUBLE",
    "lat": "DOUBLE",
    "heading": "DOUBLE",
    "color": "VARCHAR",
    "plate_confidence": "DOUBLE",
    "alternatives": "VARCHAR",
    "confidence": "DOUBLE",
    "box_left": "DOUBLE",
    "box_top": "DOUBLE",
    "box_right": "DOUBLE",
    "box_bottom": "DOUBLE",
    "wall_source": "VARCHAR",
    "direction": "VARCHAR",
    "lane": "BIGINT",
    "crossed": "VARCHAR",
    "clip_ready": "BOOLEAN",
    "clip_missing": "VARCHAR",
    "body": "VARCHAR",
}
"""`plate`: what was read, empty where nothing could be, NULL of a face. `others`: every other text
that the event may be found by, spaces between. `start_ms`: the time in the id. `alternatives`:
JSON, a list of [text, confidence]. `direction`: empty where it is not known; `lane`: 0 there.
`crossed`: the numbers of the count lines, commas between.
"""
VERSION = COLUMNS_VERSION
"""Of the columns. Files of version 1 have direction, lane and lines crossed behind `wall_source`,
spaces before each (`forward lane=2 crossed=1,-3`), and lie in another order.
"""
_AS_NOW = """(SELECT * REPLACE (split_part(wall_source, ' ', 1) AS wall_source),
 regexp_extract(wall_source, ' ([^ =]+)( |$)', 1) AS direction,
 coalesce(try_cast(regexp_extract(wall_source, ' lane=([0-9]+)', 1) AS BIGINT), 0) AS lane,
 regexp_extract(wall_source, ' crossed=([^ ]+)', 1) AS crossed FROM read_parquet(?))"""
GROUP_ROWS = 8192
SELECT = ", ".join(f"{name}::{kind} AS {name}" for name, kind in TYPES.items())
ORDER = {1: "plate NULLS FIRST, id", 2: "others IS NOT NULL, plate NULLS FIRST, id"}
"""Rows that are found by other texts lie together at the end, so that of all others one stretch
is read for a plate.
"""
DTYPES = {"BIGINT": np.int64, "DOUBLE": np.float64, "BOOLEAN": np.bool_, "VARCHAR": np.object_}
Row = tuple[object, ...]


def row_of(event: Event) -> Row:
    """Raises ValueError where the event's id is not a ULID."""
    row = _row(event)
    return row if event_of(row) == event else (*row[:-1], event.to_json())


def event_of(row: Sequence[object]) -> Event:
    """The event that was written. Raises DataLoss where it cannot be read."""
    if row[-1] is not None:
        try:
            return Event.model_validate_json(str(row[-1]))
        except ValidationError as error:
            raise unreadable("an event of the archive", error) from error
    # What was checked when it was written need not be checked again.
    (
        text,
        _,
        event_id,
        start,
        best,
        end,
        kind,
        camera,
        class_,
        area,
        lon,
        lat,
        heading,
        color,
        share,
        others,
        confidence,
        left,
        top,
        right,
        bottom,
        source,
        direction,
        lane,
        crossed,
        is_ready,
        missing,
        _,
    ) = cast("_Fields", tuple(row))
    lines = tuple(map(int, filter(None, crossed.split(","))))
    location = construct_trusted(
        Location,
        {
            "lon": lon,
            "lat": lat,
            "heading": None if heading is None or heading != heading else heading,
        },
    )
    plate = (
        None
        if text is None
        else construct_trusted(
            Plate,
            {
                "text": text,
                "color": PlateColor(str(color)),
                "confidence": share,
                "alternatives": _alternatives(others),
            },
        )
    )
    return construct_trusted(
        Event,
        {
            "id": event_id,
            "kind": kind,
            "camera": camera,
            "class_": class_,
            "area": area,
            "location": location,
            "started_at": start * NS_PER_MS,
            "best_at": best * NS_PER_MS,
            "ended_at": end * NS_PER_MS,
            "plate": plate,
            "corrected": None,
            "confidence": confidence,
            "box": (left, top, right, bottom),
            "wall_source": source,
            "direction": direction,
            "lane": lane,
            "crossed": lines,
            "clip_ready": is_ready,
            "clip_missing": missing,
            "schema_": SCHEMA,
        },
    )


_Fields = tuple[
    str | None,
    str | None,
    str,
    int,
    int,
    int,
    Kind,
    str,
    Literal["A", "B", "C"],
    str,
    float,
    float,
    float | None,
    str | None,
    float,
    str | None,
    float,
    float,
    float,
    float,
    float,
    str,
    str,
    int,
    str,
    bool,
    str,
    str | None,
]


def table(version: int) -> str:
    """Files of a version of the columns as SQL's table with the columns of now, whose one value
    is their paths.
    """
    return "read_parquet(?)" if version == VERSION else _AS_NOW


def columns_of(rows: Sequence[Row]) -> dict[str, NDArray[np.generic]]:
    """Rows as columns, to be written together."""
    columns: dict[str, NDArray[np.generic]] = {}
    for (name, kind), values in zip(TYPES.items(), zip(*rows, strict=True), strict=True):
        columns[name] = np.array(values, DTYPES[kind])
    return columns


def _row(event: Event) -> Row:
    plate, place = event.plate, event.location
    return (
        None if plate is None else plate.text,
        _others(event),
        event.id,
        id_parts(event.id)[0],
        event.best_at // NS_PER_MS,
        event.ended_at // NS_PER_MS,
        event.kind,
        event.camera,
        event.class_,
        event.area,
        place.lon,
        place.lat,
        place.heading,
        None if plate is None else str(plate.color),
        np.nan if plate is None else plate.confidence,
        _alternatives_json(plate),
        event.confidence,
        *event.box,
        event.wall_source,
        event.direction,
        event.lane,
        ",".join(map(str, event.crossed)),
        event.clip_ready,
        event.clip_missing,
        None,
    )


def _others(event: Event) -> str | None:
    plate = event.plate
    if plate is None:
        return None
    texts = dict.fromkeys([*found_by(event), *(other.text for other in plate.alternatives)])
    return " ".join(text for text in texts if text and text != plate.text) or None


def _alternatives_json(plate: Plate | None) -> str | None:
    if plate is None or not plate.alternatives:
        return None
    return json.dumps(
        [[other.text, other.confidence] for other in plate.alternatives],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _alternatives(text: str | None) -> tuple[Alternative, ...]:
    if text is None:
        return ()
    return tuple(
        construct_trusted(Alternative, {"text": other, "confidence": share})
        for other, share in json.loads(text)
    )
