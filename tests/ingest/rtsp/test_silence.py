"""What is said of a camera whose pictures, or whose answer, does not come."""

from __future__ import annotations

import pytest

from domain.camera_states import Why
from domain.errors import SourceTimeout
from ingest.rtsp.silence import ReceivedCounts, Silence


def look(silence: Silence, now_s: float, received: ReceivedCounts) -> SourceTimeout | None:
    try:
        silence.check_picture(now_s, received)
    except SourceTimeout as error:
        return error
    return None


def test_only_what_comes_in_the_second_half_of_the_silence_counts() -> None:
    silence = Silence(5.0, 0.0)
    silence.restart(0.0, ReceivedCounts())
    assert look(silence, 2.0, ReceivedCounts(packets=10)) is None
    assert look(silence, 3.0, ReceivedCounts(packets=10)) is None
    error = look(silence, 5.5, ReceivedCounts(packets=10))
    assert error is not None
    assert (str(error), error.why) == ("no video arrived for 5 s", Why.SILENT)


def test_a_picture_ends_a_silence() -> None:
    silence = Silence(5.0, 0.0)
    assert look(silence, 4.0, ReceivedCounts(packets=10)) is None
    silence.received_s = 4.5
    assert look(silence, 5.5, ReceivedCounts(packets=20)) is None
    assert look(silence, 8.0, ReceivedCounts(packets=30)) is None
    error = look(silence, 10.0, ReceivedCounts(packets=42))
    assert error is not None
    assert "none of 12 packets completes a picture" in str(error)


@pytest.mark.parametrize(
    ("received", "part", "why"),
    [
        (ReceivedCounts(packets=9, foreign_packets=8), "8 of 9", Why.NO_PICTURES),
        (ReceivedCounts(packets=9, broken_pictures=2), "2 broken pictures", Why.NO_PICTURES),
        (ReceivedCounts(garbage_bytes=700), "700 bytes", Why.MALFORMED),
        (
            ReceivedCounts(packets=3, foreign_packets=3, garbage_bytes=700),
            "700 bytes",
            Why.MALFORMED,
        ),
        (ReceivedCounts(packets=90, garbage_bytes=7), "none of 90 packets", Why.NO_PICTURES),
        (ReceivedCounts(strange_packets=3), "`transport: tcp`", Why.TRANSPORT),
        (ReceivedCounts(sounds=3, reports=1), "sound does", Why.SILENT),
        (ReceivedCounts(reports=1), "RTCP", Why.SILENT),
        (ReceivedCounts(), "no video arrived for 5 s", Why.SILENT),
    ],
)
def test_the_error_names_what_arrived_instead_of_a_picture(
    received: ReceivedCounts, part: str, why: Why
) -> None:
    silence = Silence(5.0, 0.0)
    assert look(silence, 3.0, ReceivedCounts()) is None
    error = look(silence, 6.0, received)
    assert error is not None
    assert part in str(error)
    assert error.why is why


@pytest.mark.parametrize(
    ("received", "pending_bytes", "part", "why"),
    [
        (ReceivedCounts(packets=2), 0, "sends video", Why.MALFORMED),
        (ReceivedCounts(garbage_bytes=7), 0, "not RTSP", Why.MALFORMED),
        (ReceivedCounts(), 40, "did not end", Why.MALFORMED),
        (ReceivedCounts(), 0, "said nothing for 5 s", Why.SILENT),
    ],
)
def test_the_error_names_what_arrived_instead_of_an_answer(
    received: ReceivedCounts, pending_bytes: int, part: str, why: Why
) -> None:
    silence = Silence(5.0, 0.0)
    silence.restart(1.0, ReceivedCounts())
    silence.check_answer(6.0, received, pending_bytes)
    with pytest.raises(SourceTimeout, match=part) as caught:
        silence.check_answer(6.1, received, pending_bytes)
    assert caught.value.why is why
