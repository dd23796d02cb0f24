"""Playlists, segments, keyframes and recorded pictures, played by FFmpeg's HLS reader."""

from __future__ import annotations

import io
import json
import subprocess
from typing import TYPE_CHECKING

import av
import pytest

from domain.clock import ManualClock, SystemClock, rfc3339
from domain.paths.object_keys import segment_object
from domain.paths.segment_name import SegmentName
from domain.people import Role
from domain.recordings.gaps import Gap, GapCause
from storage.recordings.gaps.log import GapLog
from tests.api.an_hour_ago import CAMERA, Record, at, record_twice, span
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site


@pytest.fixture
def recorded(site: Site, record: Record) -> Site:
    """Record eight seconds, leave a gap of six, and record four seconds more.

    There are ten frames and one keyframe a second.
    """
    record_twice(site, record)
    GapLog(site.layout, SystemClock()).add(
        Gap("east-gate", at(8), at(14), GapCause.CAMERA_DOWN, "refused")
    )
    return site


def times_of(data: bytes) -> list[float]:
    """Decode a file and return the times of its frames in seconds."""
    with av.open(io.BytesIO(data), "r") as container:
        return [round(frame.time or 0, 2) for frame in container.decode(video=0)]


def test_a_playlist_lists_segments_and_gaps_on_one_timeline(recorded: Site) -> None:
    playlist = recorded.get(f"{CAMERA}/playlist?{span(1, 18)}").json()
    assert [part["at_s"] for part in playlist["segments"]] == [0, 4, 14]
    assert playlist["zero"] == rfc3339(at(0))
    assert [(gap["from"], gap["to"], gap["cause"]) for gap in playlist["gaps"]] == [
        (rfc3339(at(8)), rfc3339(at(14)), "camera_down")
    ]
    assert len({part["codec"] for part in playlist["segments"]}) == 1


def test_a_player_without_headers_gets_each_segment_at_its_place(recorded: Site) -> None:
    playlist = recorded.get(f"{CAMERA}/playlist?{span(1, 18)}").json()
    head = recorded.http.get(recorded.url + playlist["segments"][0]["head"]).content
    for part in playlist["segments"]:
        media = recorded.http.get(recorded.url + part["media"])
        assert media.headers["Content-Type"] == "video/mp4"
        assert times_of(head + media.content) == [
            round(part["at_s"] + frame / 10, 2) for frame in range(40)
        ]


def test_ffmpeg_plays_the_playlist_over_its_gap(recorded: Site) -> None:
    playlist = recorded.get(f"{CAMERA}/playlist?{span(1, 18)}").json()
    command = [
        "ffprobe",
        "-v",
        "error",
        "-show_entries",
        "frame=pts_time",
        "-of",
        "json",
        recorded.url + playlist["hls"],
    ]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    times = [float(frame["pts_time"]) for frame in json.loads(done.stdout)["frames"]]
    assert len(times) == 120
    assert [round(time - times[0], 2) for time in (times[79], times[80])] == [7.9, 14.0]


def test_hls_marks_gaps_moments_and_the_requested_start(recorded: Site) -> None:
    answer = recorded.get(f"{CAMERA}/playlist.m3u8?{span(1, 18)}")
    assert answer.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    lines = answer.text.splitlines()
    assert (lines[0], lines[-1]) == ("#EXTM3U", "#EXT-X-ENDLIST")
    assert [line for line in lines if "START:" in line] == [
        "#EXT-X-START:TIME-OFFSET=1.000,PRECISE=YES"
    ]
    gap = lines.index("#EXT-X-GAP")
    assert lines[gap - 1 : gap + 2] == [
        f"#EXT-X-PROGRAM-DATE-TIME:{rfc3339(at(8))}",
        "#EXT-X-GAP",
        "#EXTINF:6.000,",
    ]
    assert sum(line.startswith("#EXT-X-MAP") for line in lines) == 1
    assert [line for line in lines if "DATERANGE" in line] == [
        f'#EXT-X-DATERANGE:ID="gap-1",CLASS="gap",START-DATE="{rfc3339(at(8))}",DURATION=6.000,X-CAUSE="camera_down"'
    ]


def test_a_change_of_codec_parameters_starts_a_new_head(site: Site, record: Record) -> None:
    first, second = (record(site.layout, "east-gate", at(start_s), 4) for start_s in (200, 204))
    with av.open(
        str(second), "w", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    ) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for number in range(40):
            frame = av.VideoFrame(128, 96, "yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    site.hold("east-gate")
    lines = site.get(f"{CAMERA}/playlist.m3u8?{span(200, 208)}").text.splitlines()
    maps = [at for at, line in enumerate(lines) if line.startswith("#EXT-X-MAP")]
    assert len(maps) == 2
    assert lines[maps[1] - 1] == "#EXT-X-DISCONTINUITY"
    assert first.exists()


@pytest.mark.parametrize("change", ["", "x", "AAAA"])
def test_an_invalid_ticket_is_refused(recorded: Site, change: str) -> None:
    part = recorded.get(f"{CAMERA}/playlist?{span(0, 4)}").json()["segments"][0]["media"]
    address, _, ticket = part.partition("ticket=")
    spoilt = change if len(change) < 2 else ticket[:-4] + change
    answer = recorded.http.get(f"{recorded.url}{address}ticket={spoilt}")
    assert (answer.status_code, answer.json()["type"]) == (
        401,
        "urn:sightline:problem:unauthenticated",
    )


def test_a_ticket_opens_its_camera_and_its_time_alone(recorded: Site, record: Record) -> None:
    record(recorded.layout, "west-gate", at(0), 4)
    recorded.hold("west-gate")
    first, _, last = recorded.get(f"{CAMERA}/playlist?{span(0, 18)}").json()["segments"]
    ticket = (
        recorded.get(f"{CAMERA}/playlist?{span(0, 2)}")
        .json()["segments"][0]["media"]
        .partition("ticket=")[2]
    )
    for other in (
        last["media"].partition("ticket=")[0] + f"ticket={ticket}",
        first["media"].partition("?")[0].replace("east", "west") + f"?ticket={ticket}",
    ):
        answer = recorded.http.get(recorded.url + other)
        assert (answer.status_code, answer.json()["type"]) == (
            403,
            "urn:sightline:problem:forbidden",
        ), other


def test_a_ticket_expires(open_site: OpenSite, record: Record) -> None:
    clock = ManualClock(SystemClock().wall_ns())
    site = open_site(clock=clock)
    record(site.layout, "east-gate", at(0), 4)
    site.hold("east-gate")
    media = site.get(f"{CAMERA}/playlist?{span(0, 4)}").json()["segments"][0]["media"]
    assert site.http.get(site.url + media).status_code == 200
    clock.advance(610)
    assert site.http.get(site.url + media).status_code == 401


def test_an_access_by_ticket_is_recorded_for_its_person(recorded: Site) -> None:
    media = recorded.get(
        f"{CAMERA}/playlist?{span(0, 4)}", reason="查找", X_Case="2026-118"
    ).json()["segments"][0]["media"]
    for _ in range(3):
        recorded.http.get(recorded.url + media)
    (asked,) = (json.loads(line) for line in recorded.audit_lines())
    recorded.viewings.flush(is_last=True)
    recorded.http.get(recorded.url + media)
    _, closed, seen = (json.loads(line) for line in recorded.audit_lines())
    assert (closed["phase"], closed["terms"]["requests"]) == ("viewed", "4")
    assert (asked["route"], seen["route"]) == ("camera.playlist", "camera.segment")
    for line in (closed, seen):
        assert (line["person"], line["reason"], line["case"], line["status"]) == (
            asked["person"],
            "查找",
            "2026-118",
            200,
        )
        assert (line["terms"]["from"], line["terms"]["to"]) == (rfc3339(at(0)), rfc3339(at(4)))
        assert "ticket" not in line["terms"]


def test_segments_that_are_only_in_the_object_store_are_played_from_there(
    open_site: OpenSite, record: Record
) -> None:
    site = open_site()
    path = record(site.layout, "school", at(0), 4)
    name = SegmentName.parse(path.name)
    assert name is not None
    site.context.objects.put_file(segment_object(name), path, "video/mp4")
    path.unlink()
    site.hold("school", "node-7", "http://127.0.0.1:9")
    playlist = site.get(f"/v1/cameras/school/playlist?{span(0, 4)}").json()
    (part,) = playlist["segments"]
    assert (
        times_of(
            site.http.get(site.url + part["head"]).content
            + site.http.get(site.url + part["media"]).content
        )[0]
        == 0
    )
    assert len(times_of(site.get(f"/v1/cameras/school/keyframes?{span(0, 4)}").content)) == 4


def test_keyframes_alone_with_their_times(recorded: Site) -> None:
    answer = recorded.get(f"{CAMERA}/keyframes?{span(1.5, 18)}")
    assert times_of(answer.content) == [
        0.5,
        *(round(second - 1.5, 2) for second in (3, 4, 5, 6, 7, 14, 15, 16, 17)),
    ]
    with av.open(io.BytesIO(answer.content), "r") as container:
        assert all(packet.is_keyframe for packet in container.demux(video=0) if packet.size)


def test_keyframes_keep_the_requested_distance(recorded: Site) -> None:
    assert times_of(recorded.get(f"{CAMERA}/keyframes?{span(0, 18)}&every=3").content) == [
        0,
        3,
        6,
        14,
        17,
    ]


def test_keyframes_of_nothing(recorded: Site) -> None:
    assert recorded.get(f"{CAMERA}/keyframes?{span(100, 118)}").status_code == 404


def test_a_picture_of_the_past(recorded: Site) -> None:
    for at_s, shown_s in ((2.25, 2.2), (7.95, 7.9), (14, 14)):
        answer = recorded.get(f"{CAMERA}/picture?at={rfc3339(at(at_s))}")
        assert answer.headers["Sightline-Start"] == rfc3339(at(shown_s))
        with av.open(io.BytesIO(answer.content), "r") as container:
            (frame,) = container.decode(video=0)
            assert (frame.width, frame.height) == (64, 48)
            shade = int(frame.to_ndarray(format="gray").mean())
        number = round(shown_s % 4 * 10) if shown_s < 8 else 0
        assert shade == pytest.approx(number * 8 % 255, abs=6)
    assert recorded.get(f"{CAMERA}/picture?at={rfc3339(at(10))}").status_code == 404


def test_a_picture_of_the_past_needs_the_right_to_recordings(recorded: Site) -> None:
    assert recorded.get(f"{CAMERA}/picture?at={rfc3339(at(2))}", Role.INTEGRATOR).status_code == 403


def test_a_playlist_without_any_source_is_node_offline(site: Site) -> None:
    site.hold("east-gate", "node-7", "http://127.0.0.1:9")
    answer = site.get(f"{CAMERA}/playlist?{span(0, 4)}")
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:node_offline",
    )


def test_a_playlist_of_nothing_is_one_gap(recorded: Site) -> None:
    lines = recorded.get(f"{CAMERA}/playlist.m3u8?{span(100, 112)}").text.splitlines()
    assert [line for line in lines if line.startswith("#EXTINF")] == [
        "#EXTINF:10.000,",
        "#EXTINF:2.000,",
    ]
