"""Recordings whose segments are on several nodes and in the object store."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest

from api.cameras import recording_files
from api.cameras.read_ahead import read_ahead
from api.limits.byte_budget import ByteBudget
from api.node_api.app import make_node_api
from api.nodes.client import NodeClient, NodeStream
from api.nodes.segment_lists import SegmentList
from domain.clock import NS_PER_S, S_PER_DAY, ManualClock, SystemClock, rfc3339
from domain.errors import NotFound
from domain.paths.data_layout import Layout
from storage.recordings.file_reader import Chunk
from storage.recordings.virtual.layout_records import StoredRecord
from tests.api.cameras.recorded_site import (
    START_NS,
    Record,
    address,
    at,
    record_hashed,
    store,
    times_of,
)
from tests.api.node_contexts import node_context
from tests.api.site_data import SIGNER

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SystemClock().wall_ns())


class NoMediaClient(NodeClient):
    """A client that requests no layout and no byte of a segment from a node."""

    def layouts(
        self, node_api_url: str, node: str, camera_id: str, from_ns: int, to_ns: int
    ) -> list[StoredRecord]:
        raise AssertionError("a layout was requested from a node")

    def segment_part(
        self, node_api_url: str, node: str, camera_id: str, name: str, part: tuple[int, int]
    ) -> NodeStream:
        raise AssertionError("bytes were requested from a node")


class OtherCameraClient(NodeClient):
    """A client of a stolen node, which lists a segment of another camera."""

    def segments(
        self,
        node_api_url: str,
        node: str,
        camera_id: str,
        from_ns: int,
        to_ns: int,
        with_heads: bool = True,
    ) -> SegmentList:
        listed = super().segments(node_api_url, node, "west-gate", from_ns, to_ns, with_heads)
        assert listed.rows
        return listed


def test_a_node_cannot_lend_the_recording_of_another_camera(open_site: OpenSite) -> None:
    site = open_site(node_client=OtherCameraClient(SIGNER, SystemClock()))
    record_hashed(site, "west-gate")
    site.hold("east-gate")
    answer = site.get(address(1, 11))
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:node_offline",
    )


def test_segments_on_the_same_machine_are_read_without_their_node(open_site: OpenSite) -> None:
    site = open_site(node_client=NoMediaClient(SIGNER, SystemClock()))
    record_hashed(site)
    site.hold("east-gate")
    answer = site.get(address(1, 11))
    assert (answer.status_code, answer.headers["Sightline-Gaps"]) == (200, "none")
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_segments_on_a_node_and_in_the_object_store_are_one_file(
    open_site: OpenSite, record: Record
) -> None:
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
    assert site.get(address(1, 11, "west-gate"), method="HEAD").headers["Content-Length"] == str(
        len(answer.content)
    )


def test_without_a_node_only_its_own_segments_are_missing(
    open_site: OpenSite, record: Record
) -> None:
    site = open_site()
    store(site, record(site.layout, "school", at(0), 4))
    site.hold("school", "node-7", "http://127.0.0.1:9")
    assert site.get(address(0, 4, "school")).status_code == 200
    answer = site.get(address(100, 104, "school"))
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:node_offline",
    )


@contextmanager
def another_node(site: Site, folder: Path) -> Iterator[tuple[Layout, str]]:
    """Start a second node with its own disk; return its layout and the URL of its node API."""
    layout = Layout(folder)
    with site.serve(make_node_api(node_context(layout, "node-2"))) as url:
        yield layout, url


def _no_picture(camera_id: str, is_sub: bool) -> bytes:
    raise NotFound(f"{camera_id} has shown nothing")


def test_a_camera_that_moved_is_one_file_and_one_playlist_over_both_nodes(
    site: Site, record: Record, tmp_path: Path
) -> None:
    with another_node(site, tmp_path / "node-2") as (layout, url):
        record(layout, "east-gate", at(0), 4)
        record(site.layout, "east-gate", at(4), 4)
        site.hold("east-gate", "node-2", url)
        site.hold("east-gate")
        answer = site.get(address(1, 7))
        assert (
            answer.status_code,
            answer.headers["Sightline-Gaps"],
            answer.headers["Sightline-Offline"],
        ) == (200, "none", "none")
        assert len([time for time in times_of(answer.content) if time < 6]) == 60
        playlist = site.get(address(1, 7).replace("/recording", "/playlist")).json()
        assert len(playlist["segments"]) == 2
        assert [site.get(one["media"]).status_code for one in playlist["segments"]] == [200, 200]
    answer = site.get(address(1, 7))  # and with the second node down, what this one has
    assert (answer.status_code, answer.headers["Sightline-Offline"]) == (200, "node-2")
    assert answer.headers["Sightline-Gaps"] == f"{rfc3339(at(1))}/{rfc3339(at(4))}"
    assert site.get(address(1, 3)).status_code == 503


def test_segments_of_another_node_are_read_ahead(
    site: Site, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of this machine are read as they are sent."""
    ahead: list[Generator[Chunk]] = []

    def noted(chunks: Generator[Chunk], budget: ByteBudget) -> Generator[Chunk]:
        ahead.append(chunks)
        return read_ahead(chunks, budget)

    monkeypatch.setattr(recording_files, "READ_AHEAD_FROM_BYTES", 0)
    monkeypatch.setattr(recording_files, "read_ahead", noted)
    with another_node(site, tmp_path / "node-2") as (layout, url):
        moved = record(layout, "east-gate", at(0), 4)
        record(site.layout, "east-gate", at(4), 4)
        site.hold("east-gate", "node-2", url)
        site.hold("east-gate")
        answer = site.get(address(0, 8))
        whole, etag = answer.content, answer.headers["ETag"]
        assert len(ahead) == 1
        assert len(times_of(whole)) == 80
        part = site.get(address(0, 8), Range="bytes=2000-3999").content
        assert part == whole[2000:4000]
        moved.unlink()
        without = site.get(address(0, 8), Range="bytes=2000-", If_Range=etag)
        assert (without.status_code, without.headers["ETag"] == etag) == (200, False)
        ahead.clear()
        assert site.get(address(4, 8)).status_code == 200
        assert ahead == []


@pytest.mark.parametrize(
    ("seen_before_s", "status"), [(60, 503), (2 * 3600, 404), (100 * S_PER_DAY, 404)]
)
def test_a_node_that_left_before_the_range_is_not_reported(
    site: Site, seen_before_s: int, status: int
) -> None:
    site.hold("school", "gone", "http://127.0.0.1:9")
    site.beat("gone", "http://127.0.0.1:9", seen_ns=START_NS - seen_before_s * NS_PER_S)
    site.hold("school")
    assert site.get(address(500, 504, "school")).status_code == status
    assert site.get(address(500, 504, "school").replace("/recording", "/coverage")).json()[
        "offline"
    ] == (["gone"] if status == 503 else [])
