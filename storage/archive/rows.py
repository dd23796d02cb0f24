"""An event as a row of the archive's Parquet files, and back. Pure.

The columns have what searches ask for and nearly every field. An event that they cannot restore
exactly also has its JSON in `body`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from domain.clock import NS_PER_MS
from domain.events.event import SCHEMA, Alternative, Direction, Event, Kind, Location, Plate
from domain.events.trusted_models import construct_trusted
from domain.plates import PlateColor
from domain.stored_model import unreadable
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
"""`plate` is the reading: empty if the plate could not be read, NULL for a face. `others` has every
other text by which the event may be found, separated by spaces. `start_ms` is the time in the id.
`alternatives` is a JSON list of [text, confidence]. `direction` is empty if it is unknown; `lane`
is then 0. `crossed` has the numbers of the count lines, separated by commas.
"""
VERSION = COLUMNS_VERSION
"""The version of the columns. Files of version 1 have direction, lane and lines crossed after
`wall_source`, separated by spaces (`forward lane=2 crossed=1,-3`), and are sorted otherwise.
"""
_VERSION_1_TABLE = """(SELECT * REPLACE (split_part(wall_source, ' ', 1) AS wall_source),
 regexp_extract(wall_source, ' ([^ =]+)( |$)', 1) AS direction,
 coalesce(try_cast(regexp_extract(wall_source, ' lane=([0-9]+)', 1) AS BIGINT), 0) AS lane,
 regexp_extract(wall_source, ' crossed=([^ ]+)', 1) AS crossed FROM read_parquet(?))"""
GROUP_ROWS = 8192
SELECT = ", ".join(f"{name}::{kind} AS {name}" for name, kind in TYPES.items())
ORDER = {1: "plate NULLS FIRST, id", 2: "others IS NOT NULL, plate NULLS FIRST, id"}
"""The sort order of each version. Rows with other texts are together at the end, so that one range
of all other rows is read for a plate.
"""
DTYPES = {"BIGINT": np.int64, "DOUBLE": np.float64, "BOOLEAN": np.bool_, "VARCHAR": np.object_}


class ArchiveRow(NamedTuple):
    """The values of one event in the order of `TYPES`."""

    plate: str | None
    others: str | None
    id: str
    start_ms: int
    best_ms: int
    end_ms: int
    kind: Kind
    camera: str
    class_: Literal["A", "B", "C"]
    area: str
    lon: float
    lat: float
    heading: float | None
    color: str | None
    plate_confidence: float
    alternatives: str | None
    confidence: float
    box_left: float
    box_top: float
    box_right: float
    box_bottom: float
    wall_source: str
    direction: Direction
    lane: int
    crossed: str
    clip_ready: bool
    clip_missing: str
    body: str | None


def row_from_event(event: Event) -> ArchiveRow:
    """Return the row of an event. Raises ValueError if the event's id is not a ULID."""
    row = _row(event)
    return row if event_from_row(row) == event else row._replace(body=event.to_json())


def event_from_row(values: Sequence[object]) -> Event:
    """Return the event that was written. Raises DataLoss if it cannot be read."""
    row = ArchiveRow._make(cast("ArchiveRow", values))
    if row.body is not None:
        try:
            return Event.model_validate_json(row.body)
        except ValidationError as error:
            raise unreadable("an event of the archive", error) from error
    # The values were validated when they were written, and are not validated again.
    return construct_trusted(
        Event,
        {
            "id": row.id,
            "kind": row.kind,
            "camera": row.camera,
            "class_": row.class_,
            "area": row.area,
            "location": _location(row),
            "started_at": row.start_ms * NS_PER_MS,
            "best_at": row.best_ms * NS_PER_MS,
            "ended_at": row.end_ms * NS_PER_MS,
            "plate": None if row.plate is None else _plate(row, row.plate),
            "corrected": None,
            "confidence": row.confidence,
            "box": (row.box_left, row.box_top, row.box_right, row.box_bottom),
            "wall_source": row.wall_source,
            "direction": row.direction,
            "lane": row.lane,
            "crossed": tuple(map(int, filter(None, row.crossed.split(",")))),
            "late": False,
            "clip_ready": row.clip_ready,
            "clip_missing": row.clip_missing,
            "schema_": SCHEMA,
        },
    )


def _location(row: ArchiveRow) -> Location:
    heading = None if row.heading is None or math.isnan(row.heading) else row.heading
    return construct_trusted(Location, {"lon": row.lon, "lat": row.lat, "heading": heading})


def _plate(row: ArchiveRow, text: str) -> Plate:
    return construct_trusted(
        Plate,
        {
            "text": text,
            "color": PlateColor(str(row.color)),
            "confidence": row.plate_confidence,
            "alternatives": _alternatives(row.alternatives),
        },
    )


def table(version: int) -> str:
    """Return files of this version of the columns as an SQL table with the current columns. Its one
    value is the list of their paths.
    """
    return "read_parquet(?)" if version == VERSION else _VERSION_1_TABLE


def columns_of(rows: Sequence[tuple[object, ...]]) -> dict[str, NDArray[np.generic]]:
    """Return rows as columns, which are written together."""
    columns: dict[str, NDArray[np.generic]] = {}
    for (name, kind), values in zip(TYPES.items(), zip(*rows, strict=True), strict=True):
        columns[name] = np.array(values, DTYPES[kind])
    return columns


def _row(event: Event) -> ArchiveRow:
    plate, location = event.plate, event.location
    left, top, right, bottom = event.box
    return ArchiveRow(
        plate=None if plate is None else plate.text,
        others=_others(event),
        id=event.id,
        start_ms=id_parts(event.id)[0],
        best_ms=event.best_at // NS_PER_MS,
        end_ms=event.ended_at // NS_PER_MS,
        kind=event.kind,
        camera=event.camera,
        class_=event.class_,
        area=event.area,
        lon=location.lon,
        lat=location.lat,
        heading=location.heading,
        color=None if plate is None else str(plate.color),
        plate_confidence=math.nan if plate is None else plate.confidence,
        alternatives=_alternatives_json(plate),
        confidence=event.confidence,
        box_left=left,
        box_top=top,
        box_right=right,
        box_bottom=bottom,
        wall_source=event.wall_source,
        direction=event.direction,
        lane=event.lane,
        crossed=",".join(map(str, event.crossed)),
        clip_ready=event.clip_ready,
        clip_missing=event.clip_missing,
        body=None,
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
        construct_trusted(Alternative, {"text": other, "confidence": confidence})
        for other, confidence in json.loads(text)
    )
