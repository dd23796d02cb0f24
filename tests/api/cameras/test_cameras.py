"""Cameras with their states, recordings and pictures, through a real node API."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest

from api.limits.send_limits import MAX_OPEN
from domain.camera_states import CAUSES, CameraState, CameraStatus, Why
from domain.clock import NS_PER_S, rfc3339
from domain.paths.data_layout import Layout
from domain.people import Role
from domain.unread_reasons import Unread, WhyUnread
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import Site

START_NS = 1_764_000_000 * NS_PER_S
Record = Callable[[Layout, str, int, float], Path]


def span(from_s: float, to_s: float) -> str:
    start_ns, stop_ns = (START_NS + round(moment * NS_PER_S) for moment in (from_s, to_s))
    return f"from={rfc3339(start_ns)}&to={rfc3339(stop_ns)}"


def test_a_camera_has_its_entry_and_state_without_credentials(site: Site) -> None:
    status = CameraStatus(
        "east-gate",
        CameraState.LIVE,
        START_NS,
        "",
        START_NS + NS_PER_S,
        "h264",
        1920,
        1080,
        25.0,
        4_000_000,
        "sender",
        node="node-1",
    )
    site.context.states.publish([status])
    camera = site.get("/v1/cameras/east-gate").json()
    assert camera["state"] == "live"
    assert camera["since"] == "2025-11-24T16:00:00.000Z"
    assert camera["last_frame_at"] == "2025-11-24T16:00:01.000Z"
    assert (
        camera["codec"],
        camera["fps"],
        camera["bitrate_bps"],
        camera["wall_source"],
        camera["node"],
    ) == (
        "h264",
        25,
        4_000_000,
        "sender",
        "node-1",
    )
    assert camera["recorded_until"] is None
    assert (camera["class"], camera["area_name"], camera["name"]) == (
        "A",
        "均州路街道",
        "均州路东口卡口",
    )
    assert camera["url"] == "rtsp://10.1.2.3:554/east-gate"
    assert "hunter2" not in str(camera)


def test_each_kind_of_fault_has_a_cause_for_people() -> None:
    assert set(CAUSES) == set(Why) - {Why.NONE}


def test_a_camera_with_a_wrong_clock_is_live_and_reports_its_skew(site: Site) -> None:
    sentence = "the camera's clock is 2 h behind this node's"
    site.context.states.publish(
        [
            CameraStatus(
                "east-gate",
                CameraState.CLOCK_WRONG,
                START_NS,
                sentence,
                why=Why.CLOCK,
                clock_skew_ms=-7_200_000,
                last_error_ns=START_NS,
            )
        ]
    )
    camera = site.get("/v1/cameras/east-gate").json()
    assert (camera["state"], camera["live"], camera["clock_skew_ms"]) == (
        "clock_wrong",
        True,
        -7_200_000,
    )
    assert camera["cause"] == (
        "The camera's clock is wrong. Enable time synchronisation in the camera."
    )
    chinese = site.get("/v1/cameras/east-gate", Accept_Language="zh").json()
    assert chinese["cause"] == "摄像机时钟不准：请启用摄像机校时。"
    assert (camera["why"], camera["last_error"], camera["last_error_at"]) == (
        "clock",
        sentence,
        "2025-11-24T16:00:00.000Z",
    )
    bare = site.get("/v1/cameras/school").json()
    assert (bare["live"], bare["clock_skew_ms"], bare["why"], bare["last_error_at"]) == (
        False,
        None,
        None,
        None,
    )


def test_a_camera_reports_why_plates_were_unread(site: Site) -> None:
    missed = Unread(START_NS, WhyUnread.TOO_SMALL, 31, 12, True)
    site.context.states.publish(
        [CameraStatus("east-gate", CameraState.LIVE, START_NS, unread=(missed,))]
    )
    assert site.get("/v1/cameras/east-gate").json()["unread"] == [
        {
            "at": "2025-11-24T16:00:00.000Z",
            "why": "too_small",
            "width_px": 31,
            "looks": 12,
            "is_event": True,
        }
    ]
    assert site.get("/v1/cameras/school").json()["unread"] == []


def test_a_camera_without_a_report_is_unknown(site: Site) -> None:
    camera = site.get("/v1/cameras/school").json()
    assert (camera["state"], camera["since"], camera["node"]) == ("unknown", None, None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["east-gate", "school", "west-gate"]),
        ("?class=B", ["school"]),
        ("?area=danjiangkou/junzhou", ["east-gate", "west-gate"]),
        ("?area=danjiangkou", ["east-gate", "school", "west-gate"]),
        ("?area=danj", []),
    ],
)
def test_cameras_are_listed_by_id(site: Site, query: str, expected: list[str]) -> None:
    assert [camera["id"] for camera in site.get(f"/v1/cameras{query}").json()["items"]] == expected


def test_cameras_are_listed_in_pages(site: Site) -> None:
    first = site.get("/v1/cameras?limit=2").json()
    rest = site.get(f"/v1/cameras?limit=2&next={first['next']}").json()
    assert [camera["id"] for camera in first["items"] + rest["items"]] == [
        "east-gate",
        "school",
        "west-gate",
    ]
    assert rest["next"] is None


def test_a_recording_is_read_from_the_node(site: Site, record: Record) -> None:
    for start_s in (0, 4):
        record(site.layout, "east-gate", START_NS + start_s * NS_PER_S, 4)
    site.hold("east-gate")
    answer = site.get(f"/v1/cameras/east-gate/recording?{span(2, 6)}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "video/mp4")
    assert answer.headers["Sightline-Gaps"] == answer.headers["Sightline-Apart"] == "none"
    assert answer.headers["Sightline-Start"] == "2025-11-24T16:00:02.000Z"
    assert answer.headers["Content-Length"] == str(len(answer.content))
    with av.open(io.BytesIO(answer.content), "r") as container:
        assert container.duration == pytest.approx(4_000_000, abs=200_000)
        assert container.streams.video[0].codec_context.name == "h264"


def test_a_recording_with_a_gap_reports_it(site: Site, record: Record) -> None:
    record(site.layout, "east-gate", START_NS, 4)
    record(site.layout, "east-gate", START_NS + 10 * NS_PER_S, 4)
    site.hold("east-gate")
    answer = site.get(f"/v1/cameras/east-gate/recording?{span(1, 12)}")
    gap_start, _, gap_end = answer.headers["Sightline-Gaps"].partition("/")
    assert gap_start.startswith("2025-11-24T16:00:04")
    assert gap_end.startswith("2025-11-24T16:00:10")


def test_a_range_without_recordings_names_the_nearest_ones(site: Site, record: Record) -> None:
    record(site.layout, "east-gate", START_NS, 4)
    site.hold("east-gate")
    answer = site.get(f"/v1/cameras/east-gate/recording?{span(100, 110)}")
    assert answer.status_code == 404
    assert "what comes before ends at 2025-11-24T16:00:04.000Z" in answer.json()["detail"]
    answer = site.get(f"/v1/cameras/east-gate/recording?{span(-110, -100)}")
    assert "what comes after begins at 2025-11-24T16:00:00.000Z" in answer.json()["detail"]
    answer = site.get(f"/v1/cameras/east-gate/recording?{span(-500_000, -499_990)}")
    assert "nor is anything within a day" in answer.json()["detail"]


def test_clients_that_disconnect_release_their_slot(site: Site, record: Record) -> None:
    record(site.layout, "east-gate", START_NS, 4)
    site.hold("east-gate")
    path = f"/v1/cameras/east-gate/recording?{span(0, 4)}"
    headers = {"Authorization": f"Bearer {site.tokens[Role.OPERATOR]}", "X-Reason": "a test"}
    for _ in range(MAX_OPEN + 2):
        with site.http.stream("GET", site.url + path, headers=headers) as answer:
            assert answer.status_code == 200
    assert site.get(path).status_code == 200


def test_a_current_picture(site: Site) -> None:
    site.hold("east-gate")
    assert site.get("/v1/cameras/east-gate/picture").status_code == 404
    site.pictures["east-gate"] = b"a picture"
    answer = site.get("/v1/cameras/east-gate/picture")
    assert (answer.content, answer.headers["Content-Type"]) == (b"a picture", "image/jpeg")


def test_a_picture_of_the_sub_stream_where_there_is_one(site: Site) -> None:
    site.hold("east-gate")
    site.hold("school")
    site.pictures |= {"east-gate": b"main", "east-gate/sub": b"small", "school": b"main"}
    assert site.get("/v1/cameras/east-gate/picture").content == b"main"
    assert site.get("/v1/cameras/east-gate/picture?stream=sub").content == b"small"
    assert site.get("/v1/cameras/school/picture?stream=sub").content == b"main"
    refused = site.get("/v1/cameras/east-gate/picture?stream=sub&at=2026-11-24T08:00:00Z")
    assert refused.status_code == 400
    assert "not recorded" in refused.text


def test_a_node_that_is_down_is_reported_without_delay(site: Site) -> None:
    site.hold("east-gate", "node-7", "http://127.0.0.1:9")
    answer = site.get(f"/v1/cameras/east-gate/recording?{span(0, 4)}")
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:node_offline",
    )


def test_concurrent_requests_are_served(site: Site, record: Record) -> None:
    record(site.layout, "east-gate", START_NS, 2)
    site.hold("east-gate")
    statuses: list[int] = []
    ask = lambda: statuses.append(  # noqa: E731
        site.get(f"/v1/cameras/east-gate/recording?{span(0, 2)}").status_code
    )
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert statuses == [200] * 8
