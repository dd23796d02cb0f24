"""Recordings of a site in the tests, on the disk or in the object store."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest

from domain.clock import NS_PER_S, ManualClock, SystemClock, rfc3339
from domain.paths.data_layout import Layout
from domain.paths.object_keys import segment_object
from domain.paths.segment_name import SegmentName
from domain.people import Role
from ingest.recording.segments import Segments
from storage.recordings.virtual.index_uploads import IndexUploads
from storage.recordings.virtual.layouts import RecordingIndex
from storage.recordings.virtual.stored_index import StoredIndex
from tests.recorded import PLAIN, packets_of

if TYPE_CHECKING:
    from tests.api.conftest import Site

START_NS = SystemClock().wall_ns() // NS_PER_S * NS_PER_S - 1800 * NS_PER_S
Record = Callable[[Layout, str, int, float], Path]


def at(seconds: float) -> int:
    return START_NS + round(seconds * NS_PER_S)


def address(from_s: float, to_s: float, camera: str = "east-gate") -> str:
    return f"/v1/cameras/{camera}/recording?from={rfc3339(at(from_s))}&to={rfc3339(at(to_s))}"


def store(site: Site, path: Path) -> None:
    """Move a segment to the object store, as after its time on the disk."""
    name = SegmentName.parse(path.name)
    assert name is not None
    site.context.objects.put_file(segment_object(name), path, "video/mp4")
    site.context.stored.forget(name.camera_id)
    path.unlink()


def record_hashed(site: Site, camera_id: str = "east-gate") -> None:
    """Record 12 s as one segment, with the hashes of its fragments in the recording index."""
    segments = Segments(
        camera_id,
        site.layout.recordings_of(camera_id),
        lambda: 1,
        20.0,
        pytest.fail,
        lambda start_ns, end_ns, cause: None,
        index=RecordingIndex(site.layout.recording_index),
    )
    packets = packets_of(PLAIN, start_ns=at(0))
    for first in range(0, len(packets), 25):
        segments.write(packets[first : first + 25])
    segments.close()


def store_index(site: Site) -> None:
    """Upload the recording index of the site's node."""
    uploads = IndexUploads(
        RecordingIndex(site.layout.recording_index),
        StoredIndex(site.context.objects, ManualClock(at(0))),
        "node-1",
        ManualClock(at(0)),
    )
    uploads.add("west-gate", at(0))
    assert uploads.run_once(threading.Event()) > 0


def receive(site: Site, path: str, received: bytearray) -> None:
    headers = {"Authorization": f"Bearer {site.tokens[Role.OPERATOR]}", "X-Reason": "a test"}
    with site.http.stream("GET", site.url + path, headers=headers) as answer:
        for chunk in answer.iter_raw():
            received += chunk


def damaged_gaps(
    site: Site, from_s: float, to_s: float, camera: str = "east-gate"
) -> list[tuple[str, str]]:
    """Return the damaged parts in the coverage of a range, in which nothing else is missing."""
    span = f"from={rfc3339(at(from_s))}&to={rfc3339(at(to_s))}"
    answer = site.get(f"/v1/cameras/{camera}/coverage?{span}").json()
    assert {gap["cause"] for gap in answer["gaps"]} <= {"damaged"}
    edges = [answer["from"], *(part[end] for part in answer["recorded"] for end in ("from", "to"))]
    assert edges == sorted(edges)
    gaps = [(gap["from"], gap["to"]) for gap in answer["gaps"]]
    recorded = {(part["from"], part["to"]) for part in answer["recorded"]}
    assert not recorded & set(gaps)
    return gaps


def times_of(content: bytes) -> list[float]:
    with av.open(io.BytesIO(content), "r") as container:
        return [time for frame in container.decode(video=0) if (time := frame.time or 0) >= 0]
