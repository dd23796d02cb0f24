"""Live video over a WebSocket: what a viewer receives, and what one viewer does to another."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import av
import pytest

from domain.clock import NS_PER_S
from domain.media.packets import Packet
from domain.media.viewer_metrics import LIVE_BYTES, LIVE_SKIPPED, LIVE_SWITCHES, LIVE_VIEWERS
from ingest.live import source
from tests.api.live.conftest import CAMERA, LIVE, Camera
from tests.api.live.live_client import Viewer, opened, watching
from tests.recorded import HEVC, PLAIN, START_NS, Material, number_in, packets_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.api.conftest import Site

SUB = f"{CAMERA}/sub"
SUB_MATERIAL = Material(gop=10)
BIG_BYTES = 400_000


def pictures(viewer: Viewer) -> list[int]:
    """Return the numbers that the received pictures show."""
    file = io.BytesIO(viewer.heads[0] + b"".join(one.data for one in viewer.fragments))
    with av.open(file, "r", format="mp4") as container:
        return [number_in(picture) for picture in container.decode(video=0)]


def big(count: int, first: int) -> list[Packet]:
    """Return packets that are too large for a viewer that reads nothing; every tenth is a
    keyframe.
    """
    key = packets_of(PLAIN)[0]
    return [
        replace(
            key,
            data=key.data + b"\0\0\0\1\x06" + b"\xff" * BIG_BYTES,
            pts=key.pts + number * 3600,
            dts=key.dts + number * 3600,
            wall_ns=key.wall_ns + number * NS_PER_S // 25,
            is_keyframe=number % 10 == 0,
        )
        for number in range(first, first + count)
    ]


@pytest.mark.parametrize(("material", "mime"), [(PLAIN, "avc1."), (HEVC, "hvc1.1.6.L")])
def test_a_viewer_receives_every_picture_with_its_time(
    site: Site, camera: Camera, material: Material, mime: str
) -> None:
    with watching(site, LIVE) as viewer:
        packets = camera.put(60, material=material)
        viewer.read_until(lambda one: len(one.fragments) == 60)
        (first,) = viewer.of_type("init")
        assert (first["camera"], first["stream"], first["cause"]) == (CAMERA, "main", "start")
        assert first["mime"].startswith(f'video/mp4; codecs="{mime}')
        assert (first["width_px"], first["height_px"]) == (128, 96)
        assert first["wall_source"] == "receiver"
        assert first["starts_at_s"] == viewer.fragments[0].media_s
        assert viewer.sequences == list(range(1, 61))
        assert [one.wall_ns for one in viewer.fragments] == [
            pytest.approx(packet.wall_ns, abs=1) for packet in packets
        ]
        assert pictures(viewer) == list(range(60))


def test_a_viewer_receives_the_delay(site: Site, camera: Camera) -> None:
    with watching(site, LIVE) as viewer:
        camera.put(1)
        viewer.read_until(lambda one: one.of_type("timing"))
        (timing,) = viewer.of_type("timing")
        assert timing["picture_at"] == "2025-10-09T08:53:20.123Z"
        assert timing["media_s"] == viewer.fragments[0].media_s
        # The material is from the past.
        now_ns = site.context.clock.wall_ns()
        assert 0 < timing["delay_ms"] <= (now_ns - START_NS) // 1_000_000


def test_two_viewers_share_one_pull_and_the_later_begins_at_once(
    site: Site, camera: Camera
) -> None:
    before = LIVE_BYTES.labels(CAMERA)._value.get()
    with watching(site, LIVE) as first:
        camera.put(35)
        first.read_until(lambda one: len(one.fragments) == 35)
        with watching(site, LIVE) as second:
            second.read_until(lambda one: len(one.fragments) == 10)
            assert camera.station.watchers == {CAMERA: 1}
            assert LIVE_VIEWERS.labels(CAMERA)._value.get() == 2
            camera.put(15)
            for viewer in (first, second):
                viewer.read_until(lambda one: one.sequences[-1] == 50)
            assert second.sequences == list(range(26, 51))
            assert first.sequences == list(range(1, 51))
            assert second.fragments == first.fragments[25:]
            sent_bytes = sum(len(one.data) for one in (*first.fragments, *second.fragments))
            counted = LIVE_BYTES.labels(CAMERA)._value
            site.eventually(lambda: counted.get() - before == sent_bytes)
    site.eventually(lambda: LIVE_VIEWERS.labels(CAMERA)._value.get() == 0)


def overflow(camera: Camera, quick: Viewer, first: int) -> int:
    """Put more than can wait for a viewer that reads nothing, as fast as another one reads it.
    Return the number of the next packet.
    """
    for number in range(first, first + 150, 10):
        camera.put_packets(big(10, number))
        quick.read_until(lambda one: len(one.fragments) >= number + 10)  # noqa: B023
    return first + 150


def test_a_viewer_that_reads_nothing_skips_and_another_has_no_hole(
    site: Site, camera: Camera
) -> None:
    counted = LIVE_SKIPPED.labels(CAMERA, "viewer")._value
    before = counted.get()
    with watching(site, LIVE) as lazy, watching(site, LIVE) as quick:
        put = overflow(camera, quick, 0)
        assert quick.sequences == list(range(1, put + 1))
        assert not quick.of_type("skipped")
        lazy.read_until(lambda one: one.of_type("skipped"))
        camera.put_packets(big(10, put))
        lazy.read_until(lambda one: one.sequences[-1] == put + 10)
        missing = sorted(set(range(1, put + 11)) - set(lazy.sequences))
        reported = sum(report["fragments"] for report in lazy.of_type("skipped"))
        assert len(missing) == reported == counted.get() - before
        received = set(lazy.sequences)
        ends = [number for number in missing if number + 1 in received]
        assert all(number % 10 == 0 for number in ends), "each hole ends at a keyframe"


def test_a_viewer_that_skips_twice_gets_the_sub_stream(site: Site, camera: Camera) -> None:
    counted = LIVE_SWITCHES.labels(CAMERA, "slow")._value
    before, put = counted.get(), 0
    with watching(site, LIVE) as lazy, watching(site, LIVE) as quick:
        for times in (1, 2):
            put = overflow(camera, quick, put)
            lazy.read_until(lambda one: len(one.of_type("skipped")) >= times)  # noqa: B023
        wait_for("the sub-stream", lambda: camera.station.watchers[SUB])
        later = START_NS + (put + 10) * PLAIN.frame_ns
        camera.put(10, SUB, SUB_MATERIAL, later)
        lazy.read_until(lambda one: len(one.of_type("init")) == 2)
        assert [(one["stream"], one["cause"]) for one in lazy.of_type("init")] == [
            ("main", "start"),
            ("sub", "slow"),
        ]
        assert len(quick.of_type("init")) == 1
    assert counted.get() == before + 1


def test_a_viewer_changes_the_stream_at_a_keyframe_without_a_hole(
    site: Site, camera: Camera
) -> None:
    with watching(site, LIVE) as viewer:
        camera.put(30)
        viewer.read_until(lambda one: len(one.fragments) == 30)
        viewer.connection.send(json.dumps({"stream": "sub"}))
        wait_for("the sub-stream", lambda: camera.station.fanouts[SUB].taps)
        # The sub-stream is in the middle of a group of pictures, whose keyframe is long past.
        sub = packets_of(SUB_MATERIAL)
        camera.put_packets(sub[25:30], SUB)
        camera.put(10)
        viewer.read_until(lambda one: len(one.fragments) == 40)
        assert len(viewer.heads) == 1
        camera.put_packets(sub[30:45], SUB)
        camera.put_packets(sub[45:60], SUB)
        viewer.read_until(lambda one: len(one.heads) == 2)
        assert viewer.of_type("init")[1] | {"mime": ""} == {
            "type": "init",
            "camera": CAMERA,
            "stream": "sub",
            "cause": "viewer",
            "mime": "",
            "codec": "h264",
            "width_px": 128,
            "height_px": 96,
            "starts_at_s": sub[40].wall_ns / NS_PER_S,
            "wall_source": "receiver",
        }
        viewer.read_until(lambda one: len(one.fragments) == 60)
        walls = [one.wall_ns for one in viewer.fragments]
        steps = {round((later - one) / 1_000_000) for one, later in pairwise(walls)}
        assert steps == {40}, "no hole, and no picture twice"
        viewer.connection.send(json.dumps({"stream": "main"}))
        with camera.feeding():
            viewer.read_until(lambda one: len(one.heads) == 3)
        assert viewer.of_type("init")[2]["stream"] == "main"


def test_new_parameters_give_a_new_initialisation_segment(site: Site, camera: Camera) -> None:
    with watching(site, LIVE) as viewer:
        camera.put(20)
        later = packets_of(HEVC, START_NS + NS_PER_S, session=2)[:5]
        camera.put_packets(later)
        viewer.read_until(lambda one: len(one.fragments) == 25)
        assert [(one["codec"], one["cause"]) for one in viewer.of_type("init")] == [
            ("h264", "start"),
            ("hevc", "parameters"),
        ]
        assert len(viewer.heads) == 2


def test_a_viewer_that_leaves_ends_the_pull_after_the_grace_time(
    site: Site, camera: Camera
) -> None:
    with watching(site, LIVE) as viewer:
        camera.put(5)
        viewer.read_until(lambda one: len(one.fragments) == 5)
    wait_for("end of the pull", lambda: not camera.station.watchers.total())


def test_a_silent_camera_ends_the_view_with_the_reason(
    site: Site, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "SILENCE_S", 0.5)
    with watching(site, LIVE, Accept_Language="zh") as viewer:
        viewer.read_to_end()
    (problem_message,) = viewer.of_type("problem")
    assert (problem_message["is_last"], problem_message["stream"]) == (True, "main")
    assert problem_message["problem"]["type"] == "urn:sightline:problem:camera_unavailable"
    assert problem_message["problem"]["title"] == "摄像机没有视频"
    assert "已 0.5 秒没有视频" in problem_message["problem"]["detail"]
    assert viewer.closed == (4503, "camera_unavailable")


def test_a_ticket_opens_the_view_in_the_language_in_which_it_was_requested(site: Site) -> None:
    """A page cannot choose the language of a WebSocket, whose headers the browser sends."""
    site.hold(CAMERA, node_api_url="http://127.0.0.1:9")
    address = site.get(f"{LIVE}/ticket", Accept_Language="zh-CN").json()["address"]
    with opened(site, address, {"Accept-Language": "en"}) as viewer:
        viewer.read_to_end()
    assert viewer.of_type("problem")[0]["problem"]["title"] == "摄像机所在的节点不可用"


def test_a_node_that_is_offline_ends_the_view(site: Site) -> None:
    site.hold(CAMERA, node_api_url="http://127.0.0.1:9")
    with watching(site, LIVE) as viewer:
        viewer.read_to_end()
    assert viewer.of_type("problem")[0]["problem"]["detail"].startswith("node-1")
    assert viewer.closed == (4503, "node_offline")


def test_video_without_parameter_sets_ends_the_view(site: Site, camera: Camera) -> None:
    with watching(site, LIVE) as viewer:
        first = packets_of(PLAIN)[0]
        camera.put_packets([replace(first, data=b"\0\0\0\1\x65" + bytes(range(1, 60)))])
        viewer.read_to_end()
    assert viewer.closed == (4501, "codec_unsupported")


def test_a_view_keeps_its_stream_if_the_other_is_unavailable(
    site: Site, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watching(site, LIVE) as viewer:
        camera.put(5)
        viewer.read_until(lambda one: len(one.fragments) == 5)
        del camera.station.fanouts[SUB]
        viewer.connection.send(json.dumps({"stream": "sub"}))
        viewer.read_until(lambda one: one.of_type("problem"))
        (problem_message,) = viewer.of_type("problem")
        assert (problem_message["is_last"], problem_message["stream"]) == (False, "sub")
        camera.put(5)
        viewer.read_until(lambda one: len(one.fragments) == 10)


def test_a_message_of_another_form_ends_the_view(site: Site, camera: Camera) -> None:
    for message in ("", "main", '{"stream": "both"}', '{"other": 1}', b"\0"):
        with watching(site, LIVE) as viewer:
            viewer.connection.send(message)
            viewer.read_to_end()
        assert viewer.closed == (4400, "bad_input"), message


def test_a_camera_of_another_worker_is_reported(site: Site, camera: Camera) -> None:
    site.hold("school")
    with watching(site, "/v1/cameras/school/live") as viewer:
        viewer.read_to_end()
    assert viewer.closed == (4404, "not_found")
