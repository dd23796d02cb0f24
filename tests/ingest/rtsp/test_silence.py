"""What is said of a camera whose pictures, or whose answer, does not come."""

from __future__ import annotations

import pytest

from domain.camera_states import Why
from domain.errors import SourceTimeout
from ingest.rtsp.silence import Received, Silence


def look(silence: Silence, now_s: float, came: Received) -> SourceTimeout | None:
    try:
        silence.look_for_picture(now_s, came)
    except SourceTimeout as error:
        return error
    return None


def test_only_what_comes_in_the_second_half_of_the_silence_counts() -> None:
    silence = Silence(5.0, 0.0)
    silence.begin(0.0, Received())
    assert look(silence, 2.0, Received(packets=10)) is None
    assert look(silence, 3.0, Received(packets=10)) is None
    error = look(silence, 5.5, Received(packets=10))
    assert error is not None
    assert (str(error), error.why) == ("no video came for 5 s", Why.SILENT)


def test_a_picture_ends_a_silence() -> None:
    silence = Silence(5.0, 0.0)
    assert look(silence, 4.0, Received(packets=10)) is None
    silence.heard_s = 4.5
    assert look(silence, 5.5, Received(packets=20)) is None
    assert look(silence, 8.0, Received(packets=30)) is None
    error = look(silence, 10.0, Received(packets=42))
    assert error is not None
    assert "none of 12 packets completes a picture" in str(error)


@pytest.mark.parametrize(
    ("came", "part", "why"),
    [
        (Received(packets=9, foreign_packets=8), "8 of 9", Why.NO_PICTURES),
        (Received(packets=9, broken_pictures=2), "2 broken pictures", Why.NO_PICTURES),
        (Received(garbage_bytes=700), "700 bytes", Why.MALFORMED),
        (Received(packets=3, foreign_packets=3, garbage_bytes=700), "700 bytes", Why.MALFORMED),
        (Received(packets=90, garbage_bytes=7), "none of 90 packets", Why.NO_PICTURES),
        (Received(strange_packets=3), "`transport: tcp`", Why.TRANSPORT),
        (Received(sounds=3, reports=1), "sound does", Why.SILENT),
        (Received(reports=1), "RTCP", Why.SILENT),
        (Received(), "no video came for 5 s", Why.SILENT),
    ],
)
def test_what_came_instead_of_a_picture_is_said(came: Received, part: str, why: Why) -> None:
    silence = Silence(5.0, 0.0)
    assert look(silence, 3.0, Received()) is None
    error = look(silence, 6.0, came)
    assert error is not None
    assert part in str(error)
    assert error.why is why


@pytest.mark.parametrize(
    ("came", "pending_bytes", "part", "why"),
    [
        (Received(packets=2), 0, "sends video", Why.MALFORMED),
        (Received(garbage_bytes=7), 0, "not RTSP", Why.MALFORMED),
        (Received(), 40, "did not end", Why.MALFORMED),
        (Received(), 0, "said nothing for 5 s", Why.SILENT),
    ],
)
def test_what_came_instead_of_an_answer_is_said(
    came: Received, pending_bytes: int, part: str, why: Why
) -> None:
    silence = Silence(5.0, 0.0)
    silence.begin(1.0, Received())
    silence.look_for_answer(6.0, came, pending_bytes)
    with pytest.raises(SourceTimeout, match=part) as caught:
        silence.look_for_answer(6.1, came, pending_bytes)
    assert caught.value.why is why
