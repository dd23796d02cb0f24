"""A node that dies after it listed its segments: the rest is served, and the node is named."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest

from api.nodes.client import NodeClient
from domain.clock import SystemClock, rfc3339
from domain.paths.data_layout import Layout
from domain.paths.segment_name import SegmentName
from storage.recordings.virtual.layout_records import StoredRecord
from tests.api.cameras.recorded_site import at, store, times_of
from tests.api.cameras.test_recordings_of_nodes import another_node
from tests.api.site_data import SIGNER

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

Record = Callable[[Layout, str, int, float], Path]
CAMERA = "west-gate"


@dataclass
class Dying:
    """The server of the second node, which is stopped at the first call that reads its data."""

    url: str = ""
    held: ExitStack = field(default_factory=ExitStack)

    def stop_if_called(self, node_api_url: str) -> None:
        if node_api_url == self.url:
            self.held.close()


class DyingNodeClient(NodeClient):
    """A client that stops node-2 just before it requests a layout of a segment."""

    def __init__(self, dying: Dying) -> None:
        super().__init__(SIGNER, SystemClock())
        self._dying = dying

    def layouts(
        self, node_api_url: str, node: str, camera_id: str, from_ns: int, to_ns: int
    ) -> list[StoredRecord]:
        self._dying.stop_if_called(node_api_url)
        return super().layouts(node_api_url, node, camera_id, from_ns, to_ns)


@dataclass
class Place:
    """A site with a second node that dies during a request; seconds as in `test_recordings`."""

    site: Site
    other: Layout
    record: Record

    def here(self, start_s: float) -> None:
        self.record(self.site.layout, CAMERA, at(start_s), 4)

    def there(self, start_s: float, is_stored: bool = False) -> Path:
        path = self.record(self.other, CAMERA, at(start_s), 4)
        name = SegmentName.parse(path.name)
        assert name is not None
        if is_stored:
            self.site.context.stored.put(name, path)
        return path

    def stored(self, start_s: float) -> None:
        store(self.site, self.record(self.site.layout, CAMERA, at(start_s), 4))

    def address(self, route: str, from_s: float, to_s: float) -> str:
        return f"/v1/cameras/{CAMERA}/{route}?from={rfc3339(at(from_s))}&to={rfc3339(at(to_s))}"


@pytest.fixture
def place(open_site: OpenSite, record: Record, tmp_path: Path) -> Iterator[Place]:
    dying = Dying()
    site = open_site(node_client=DyingNodeClient(dying))
    layout, dying.url = dying.held.enter_context(another_node(site, tmp_path / "node-2"))
    site.hold(CAMERA, "node-2", dying.url)
    site.hold(CAMERA)
    yield Place(site, layout, record)
    dying.held.close()


def test_a_recording_has_the_segments_of_the_other_sources(place: Place) -> None:
    place.there(0)
    place.here(4)
    answer = place.site.get(place.address("recording", 1, 7))
    assert (answer.status_code, answer.headers["Sightline-Offline"]) == (200, "node-2")
    assert answer.headers["Sightline-Gaps"] == f"{rfc3339(at(1))}/{rfc3339(at(4))}"
    assert len(times_of(answer.content)) == 30


def test_a_recording_is_whole_where_the_store_has_copies(place: Place) -> None:
    for start_s in (0, 4):
        place.there(start_s, is_stored=True)
    answer = place.site.get(place.address("recording", 1, 7))
    assert (
        answer.status_code,
        answer.headers["Sightline-Offline"],
        answer.headers["Sightline-Gaps"],
    ) == (200, "node-2", "none")


@pytest.mark.parametrize("route", ["recording", "keyframes"])
def test_without_another_source_the_node_is_offline(place: Place, route: str) -> None:
    place.there(0)
    answer = place.site.get(place.address(route, 0, 4))
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:node_offline",
    )


def test_keyframes_begin_with_those_of_the_other_sources(place: Place) -> None:
    place.there(0)
    place.here(4)
    answer = place.site.get(place.address("keyframes", 0, 8))
    assert (answer.status_code, answer.headers["Sightline-Offline"]) == (200, "node-2")
    assert keyframe_times(answer.content) == [4, 5, 6, 7]


def test_keyframes_continue_after_the_lost_ones(place: Place) -> None:
    place.here(0)
    place.there(4)
    place.stored(8)
    assert keyframe_times(place.site.get(place.address("keyframes", 0, 12)).content) == [
        0,
        1,
        2,
        3,
        8,
        9,
        10,
        11,
    ]


def test_a_segment_and_a_picture_come_from_the_store(place: Place) -> None:
    path = place.there(0, is_stored=True)
    playlist = place.site.get(place.address("playlist", 0, 4)).json()
    (part,) = playlist["segments"]
    assert (path.name in part["media"], playlist["offline"]) == (True, [])
    assert place.site.get(part["media"]).status_code == 200
    assert place.site.get(f"/v1/cameras/{CAMERA}/picture?at={rfc3339(at(2))}").status_code == 200
    again = place.site.get(place.address("playlist", 0, 4)).json()
    assert (len(again["segments"]), again["offline"]) == (1, ["node-2"])
    assert place.site.get(again["hls"]).headers["Sightline-Offline"] == "node-2"


def keyframe_times(content: bytes) -> list[float]:
    with av.open(io.BytesIO(content), "r") as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]
