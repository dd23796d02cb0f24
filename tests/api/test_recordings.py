"""Recordings as files: whole, in parts, and out of segments that lie in several places."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest

from api import cutting
from domain.clock import NS_PER_S, SystemClock, rfc3339
from domain.keys import segment_object
from domain.layout import Layout
from domain.media import SegmentName

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

START_NS = SystemClock().wall_ns() // NS_PER_S * NS_PER_S - 1800 * NS_PER_S
Record = Callable[[Layout, str, int, float], Path]


def at(seconds: float) -> int:
    return START_NS + round(seconds * NS_PER_S)


def address(from_s: float, to_s: float, camera: str = "east-gate") -> str:
    return f"/v1/cameras/{camera}/recording?from={rfc3339(at(from_s))}&to={rfc3339(at(to_s))}"


def store(site: Site, path: Path) -> None:
    """To the object store alone, as after its time on the disk."""
    name = SegmentName.parse(path.name)
    assert name is not None
    site.context.objects.put_file(segment_object(name), path, "video/mp4")
    path.unlink()


@pytest.fixture
def whole(site: Site, record: Record) -> bytes:
    record(site.layout, "east-gate", at(0), 4)
    site.hold("east-gate")
    return site.get(address(1, 4)).content


def test_a_part_is_the_same_bytes(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), Range="bytes=100-299")
    assert (answer.status_code, answer.content) == (206, whole[100:300])
    assert answer.headers["Content-Range"] == f"bytes 100-299/{len(whole)}"
    assert site.get(address(1, 4), Range="bytes=-50").content == whole[-50:]


def test_a_part_of_another_file_is_the_whole(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), Range="bytes=0-9", If_Range='"another"')
    assert (answer.status_code, answer.content) == (200, whole)
    etag = answer.headers["ETag"]
    assert site.get(address(1, 4), Range="bytes=0-9", If_Range=etag).content == whole[:10]


def test_what_lies_outside_the_file(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), Range=f"bytes={len(whole)}-")
    assert (answer.status_code, answer.json()["type"]) == (416, "urn:sightline:problem:range_not_satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"


def test_its_head_alone(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(whole))
    assert answer.headers["Sightline-Gaps"] == "none"


def test_segments_on_a_node_and_in_the_object_store_are_one_file(open_site: OpenSite, record: Record) -> None:
    site = open_site()
    for start_s in (0, 4, 8):
        path = record(site.layout, "west-gate", at(start_s), 4)
        if start_s != 4:
            store(site, path)
    site.hold("west-gate")
    answer = site.get(address(1, 11, "west-gate"))
    assert (answer.status_code, answer.headers["Sightline-Gaps"]) == (200, "none")
    with av.open(io.BytesIO(answer.content), "r") as container:
        times = [frame.time or 0 for frame in container.decode(video=0)]
    assert len([time for time in times if 0 <= time < 10]) == 100
    part = site.get(address(1, 11, "west-gate"), Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, answer.content[10:20])
    assert site.get(address(1, 11, "west-gate"), method="HEAD").headers["Content-Length"] == str(len(answer.content))
    assert list((site.layout.root / "api-scratch").iterdir()) == []


def test_a_node_that_is_down_costs_only_what_it_alone_has(open_site: OpenSite, record: Record) -> None:
    site = open_site()
    store(site, record(site.layout, "school", at(0), 4))
    site.hold("school", "node-7", "http://127.0.0.1:9")
    assert site.get(address(0, 4, "school")).status_code == 200
    answer = site.get(address(100, 104, "school"))
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:sightline:problem:node_offline")


def test_too_much_at_once_is_refused_politely(site: Site, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    record(site.layout, "east-gate", at(0), 4)
    site.hold("east-gate")
    monkeypatch.setattr(cutting, "MOST_BYTES", 1000)
    answer = site.get(address(0, 4))
    assert answer.status_code == 400
    assert "ask in parts" in answer.json()["detail"]
