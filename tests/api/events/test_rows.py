"""Rows of CSV that a spreadsheet shows as texts, and lines of NDJSON."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from api.events.models import MatchView
from api.events.rows import COLUMNS, csv_head, csv_rows, harmless, ndjson_rows
from domain.events.event import Correction, Location
from domain.events.misreadings import MatchKind

if TYPE_CHECKING:
    from tests.api.site_data import MakeEvent


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_formula_becomes_a_text(make_event: MakeEvent, start: str) -> None:
    name = f'{start}HYPERLINK("http://evil.example")'
    assert harmless(name) == f"'{name}"
    corrected = Correction(text="鄂A1", original="鄂A2", by=name, at=0, version=1)
    (row,) = table(csv_head() + csv_rows([(make_event(corrected=corrected), None)]))
    assert row["corrected_by"] == f"'{name}"


@pytest.mark.parametrize("text", ["", "鄂F88888", "a=b", "'=1"])
def test_another_text_is_not_changed(text: str) -> None:
    assert harmless(text) == text


def test_a_number_stays_a_number(make_event: MakeEvent) -> None:
    """A negative longitude begins with a minus sign and is no formula."""
    event = make_event(location=Location(lon=-70.5, lat=-33.4))
    (row,) = table(csv_head() + csv_rows([(event, None)]))
    assert (float(row["lon"]), float(row["lat"])) == (-70.5, -33.4)


def test_csv_has_a_byte_order_mark_and_ends_of_lines_of_rfc_4180(make_event: MakeEvent) -> None:
    content = csv_head() + csv_rows([(make_event(0), None), (make_event(1), None)])
    assert content.startswith(b"\xef\xbb\xbfid,kind,camera,")
    assert content.count(b"\r\n") == content.count(b"\n") == 3


def test_special_characters_are_quoted(make_event: MakeEvent) -> None:
    corrected = Correction(
        text="鄂A1", original="鄂A2", by='a "quoted", name\r\nof two lines', at=0, version=1
    )
    content = csv_rows([(make_event(corrected=corrected), None)])
    assert b'"a ""quoted"", name\r\nof two lines"' in content
    (row,) = table(csv_head() + content)
    assert row["corrected_by"] == corrected.by


def test_a_row_has_all_columns(make_event: MakeEvent) -> None:
    corrected = Correction(text="鄂C12345", original="鄂F88888", by="li.wei", at=0, version=1)
    match = MatchView(tie=MatchKind.MISREADING, reason="8 was read as B")
    event = make_event(corrected=corrected, direction="toward", lane=2, clip_ready=True)
    face = make_event(9, "west-gate", None)
    row, of_face = table(csv_head() + csv_rows([(event, match), (face, None)]))
    assert tuple(row) == COLUMNS
    assert row == {
        "id": event.id,
        "kind": "vehicle",
        "camera": "east-gate",
        "class": "A",
        "area": "danjiangkou/junzhou",
        "lon": "111.513",
        "lat": "32.54",
        "started_at": "2025-11-24T16:00:00.000Z",
        "best_at": "2025-11-24T16:00:00.500Z",
        "ended_at": "2025-11-24T16:00:01.000Z",
        "plate": "鄂C12345",
        "plate_read": "鄂F88888",
        "plate_color": "blue",
        "plate_confidence": "0.98",
        "corrected_by": "li.wei",
        "confidence": "0.9",
        "direction": "toward",
        "lane": "2",
        "late": "false",
        "clip_ready": "true",
        "snapshot": f"/v1/events/{event.id}/snapshot",
        "crop": f"/v1/events/{event.id}/crop",
        "clip": f"/v1/events/{event.id}/clip",
        "match": "misreading",
        "match_reason": "8 was read as B",
        "note": "",
    }
    absent = ("plate", "plate_read", "plate_color", "corrected_by", "direction", "lane", "match")
    assert [of_face[name] for name in absent] == [""] * len(absent)


def test_a_line_of_ndjson_is_an_event_and_its_match(make_event: MakeEvent) -> None:
    match = MatchView(tie=MatchKind.EXACT, reason="as it was read")
    first, second = ndjson_rows([(make_event(0), match), (make_event(1), None)]).splitlines()
    assert json.loads(first)["match"] == {"tie": "exact", "reason": "as it was read"}
    assert json.loads(second)["match"] is None
    assert json.loads(second)["id"] == make_event(1).id
