"""Segments, keyframes and pictures of a moment have no byte of a damaged fragment."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest

from domain.clock import rfc3339
from storage.mp4.segment_layout import SegmentLayout, read_layout
from tests.api.cameras.recorded_site import at, damaged_gaps, record_hashed
from tests.recorded import PLAIN

if TYPE_CHECKING:
    from tests.api.conftest import Site

CAMERA = "/v1/cameras/east-gate"
GOP_S = PLAIN.gop / PLAIN.fps


@pytest.fixture
def recorded(site: Site) -> Site:
    """A site with one hashed segment of twelve seconds."""
    record_hashed(site)
    site.hold("east-gate")
    return site


def segment_of(site: Site) -> Path:
    (path,) = site.layout.recordings_of("east-gate").rglob("*.mp4")
    return path


def damage(site: Site, second: float) -> bytes:
    """Flip a bit of the picture at a second; return 100 bytes of its fragment as they are then."""
    path = segment_of(site)
    with path.open("rb") as file:
        layout: SegmentLayout = read_layout(file)
    place = int(layout.video.offsets[round(second * PLAIN.fps)]) + 8
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    return bytes(data[place - 4 : place + 60])


def playlist(site: Site) -> dict[str, str]:
    span = f"from={rfc3339(at(0))}&to={rfc3339(at(12))}"
    (part,) = site.get(f"{CAMERA}/playlist?{span}").json()["segments"]
    return {"head": part["head"], "media": part["media"]}


def segment(site: Site) -> bytes:
    parts = playlist(site)
    answers = [site.http.get(site.url + parts[name]) for name in ("head", "media")]
    assert [answer.status_code for answer in answers] == [200, 200]
    return b"".join(answer.content for answer in answers)


def keyframes(site: Site) -> bytes:
    answer = site.get(f"{CAMERA}/keyframes?from={rfc3339(at(0))}&to={rfc3339(at(12))}")
    assert answer.status_code == 200
    return answer.content


def pictures_in(data: bytes) -> list[float]:
    with av.open(io.BytesIO(data), "r") as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        return sorted(float((one.pts or 0) * one.time_base) for one in packets)


def picture(site: Site, second: float) -> tuple[int, str, bytes]:
    answer = site.get(f"{CAMERA}/picture?at={rfc3339(at(second))}")
    return answer.status_code, answer.headers.get("Sightline-Start", ""), answer.content


def test_an_intact_segment_is_sent_as_it_is_stored(recorded: Site) -> None:
    assert segment(recorded) == segment_of(recorded).read_bytes()
    assert recorded.context.damaged.all() == []


@pytest.mark.parametrize("second", [0.5, 6.2], ids=["first fragment", "later fragment"])
def test_a_damaged_fragment_is_left_out_of_a_segment(recorded: Site, second: float) -> None:
    whole = pictures_in(segment(recorded))
    wrong = damage(recorded, second)
    sent = segment(recorded)
    assert wrong not in sent
    missing = sorted(set(whole) - set(pictures_in(sent)))
    assert missing[0] <= second <= missing[-1]
    assert missing[-1] - missing[0] <= GOP_S + 1
    (found,) = recorded.context.damaged.all()
    assert segment_of(recorded).name in found
    assert segment(recorded) == sent, "it is compared once"
    assert damaged_gaps(recorded, 0, 12) != []


def test_keyframes_lack_those_of_a_damaged_fragment(recorded: Site) -> None:
    whole = pictures_in(keyframes(recorded))
    wrong = damage(recorded, 2 * GOP_S)
    sent = keyframes(recorded)
    assert wrong not in sent
    assert [time for time in whole if time not in pictures_in(sent)] == [2 * GOP_S]
    assert keyframes(recorded) == sent
    assert len(recorded.context.damaged.all()) == 1


@pytest.mark.parametrize("second", [0.5, 6.2], ids=["first fragment", "later fragment"])
def test_a_picture_of_a_damaged_moment_is_refused(recorded: Site, second: float) -> None:
    before = {other: picture(recorded, other) for other in (second, 3 * GOP_S - 0.2, 11)}
    wrong = damage(recorded, second)
    status, _, problem = picture(recorded, second)
    assert status == 500
    assert b"data_loss" in problem
    assert b"is damaged; request the picture of another moment" in problem
    assert wrong not in problem
    for other in (3 * GOP_S - 0.2, 11):
        assert picture(recorded, other) == before[other]
