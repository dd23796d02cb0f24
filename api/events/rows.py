"""Writes events as rows: CSV for spreadsheets, and NDJSON for programs.

A spreadsheet runs a cell as a formula if it begins with certain characters, and texts such as the
name of a person may begin with them. An apostrophe before such a text prevents that.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence

from api.events.models import EventView, MatchView
from api.events.unanalysed import UnanalysedView
from domain.clock import rfc3339
from domain.events.event import Event
from domain.events.trusted_models import construct_trusted

COLUMNS = (
    "id",
    "kind",
    "camera",
    "class",
    "area",
    "lon",
    "lat",
    "started_at",
    "best_at",
    "ended_at",
    "plate",
    "plate_read",
    "plate_color",
    "plate_confidence",
    "corrected_by",
    "confidence",
    "direction",
    "lane",
    "late",
    "clip_ready",
    "snapshot",
    "crop",
    "clip",
    "match",
    "match_reason",
    "note",
)
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
Row = tuple[Event, MatchView | None]


class EventRow(EventView):
    """A line of NDJSON: an event as in a list, and what ties it to the requested plate."""

    match: MatchView | None


def csv_head() -> bytes:
    """Return the byte order mark, which spreadsheets need, and the names of the columns."""
    return b"\xef\xbb\xbf" + _csv([COLUMNS])


def csv_rows(rows: Iterable[Row]) -> bytes:
    """Return rows of CSV (RFC 4180)."""
    return _csv(_cells(event, match) for event, match in rows)


def csv_unanalysed(view: UnanalysedView) -> bytes:
    """Return rows of the kind `unanalysed` for the times in which passings may be missing: the sum
    of all checkpoints, and each range with its camera and cause. There is none if all was analysed.
    """
    if not view.camera_count:
        return b""
    note = f"{view.camera_count} cameras were not analysed completely, {view.missing_ms} ms in all"
    is_summary = view.is_summary or any(one.is_summary for one in view.cameras)
    if is_summary:
        note += "; the longest times follow"
    rows = [_unanalysed_cells("", view.from_, view.to, note)]
    rows += [
        _unanalysed_cells(one.camera, part.from_, part.to, part.cause)
        for one in view.cameras
        for part in one.ranges
    ]
    return _csv(rows)


def _unanalysed_cells(camera: str, start_ns: int, end_ns: int, note: str) -> list[object]:
    cells = {
        "kind": "unanalysed",
        "camera": harmless(camera),
        "started_at": rfc3339(start_ns),
        "ended_at": rfc3339(end_ns),
        "note": note,
    }
    return [cells.get(column) for column in COLUMNS]


def ndjson_rows(rows: Iterable[Row]) -> bytes:
    """Return lines of JSON."""
    lines = [
        construct_trusted(EventRow, {**EventView.of(event).__dict__, "match": match})
        for event, match in rows
    ]
    return "".join(f"{line.model_dump_json(by_alias=True)}\n" for line in lines).encode()


def summary_line(
    rows: int, cut: str, following: str | None, unanalysed: UnanalysedView | None
) -> bytes:
    """Return the last line of an export as NDJSON; a file without it is not complete."""
    stated = None if unanalysed is None else unanalysed.model_dump(mode="json", by_alias=True)
    summary = {"summary": {"rows": rows, "cut": cut, "next": following, "unanalysed": stated}}
    return f"{json.dumps(summary, separators=(',', ':'))}\n".encode()


def harmless(text: str) -> str:
    """Return a text that a spreadsheet does not run as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cells(event: Event, match: MatchView | None) -> list[object]:
    """Return the cells of an event by `COLUMNS`. Numbers stay numbers; an absent value is empty."""
    view = EventView.of(event)
    plate, corrected = event.plate, event.corrected
    return [
        event.id,
        event.kind,
        harmless(event.camera),
        event.class_,
        harmless(event.area),
        event.location.lon,
        event.location.lat,
        rfc3339(event.started_at),
        rfc3339(event.best_at),
        rfc3339(event.ended_at),
        harmless(event.reading),
        harmless(plate.text) if plate else None,
        plate.color if plate else None,
        plate.confidence if plate else None,
        harmless(corrected.by) if corrected else None,
        event.confidence,
        view.direction,
        view.lane,
        "true" if event.late else "false",
        "true" if event.clip_ready else "false",
        view.snapshot,
        view.crop,
        view.clip,
        match.tie if match else None,
        harmless(match.reason) if match else None,
        None,
    ]
