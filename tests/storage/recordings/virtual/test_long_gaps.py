"""A recording with a gap of many hours, as a day of a camera that records triggers, is one file."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from domain.clock import NS_PER_MS, NS_PER_S
from tests.recorded import START_NS
from tests.storage.recordings.virtual.recording_pool import Pool, delayed, read


def packets_of(path: Path) -> list[tuple[str, int, float]]:
    """Return the packets as libavformat reads them: kind, size and time in seconds."""
    with av.open(str(path)) as container:
        return [
            (one.stream.type, one.size, float(one.pts * one.time_base))
            for stream in range(len(container.streams))
            for one in container.demux(stream)
            if one.pts is not None
        ]


@pytest.mark.parametrize("hours", [6, 13, 14, 23])
@pytest.mark.parametrize("kind", ["plain", "b_frames", "aac"])
@pytest.mark.parametrize("from_s", [0, 0.5])
def test_it_has_the_pictures_and_the_sound_after_the_gap_at_their_times(
    hours: int, kind: str, from_s: float, pool: Pool, tmp_path: Path
) -> None:
    first, second = [one for one in pool.segments if (pool.folder / kind) in one.path.parents][:2]
    from_ns = START_NS + round(from_s * NS_PER_S)
    packets = []
    for gap_hours in (0, hours):
        after = delayed(second, gap_hours)
        assert after.end_ns is not None
        made = pool.file([first, after], from_ns, after.end_ns)
        file = tmp_path / f"{gap_hours}.mp4"
        file.write_bytes(read(made))
        packets.append(packets_of(file))
    without_gap, with_gap = packets
    assert len(without_gap) > 60
    assert [one[:2] for one in with_gap] == [one[:2] for one in without_gap]
    # libavformat counts from the first picture that it shows, up to 0.04 s after the start.
    seam_s = (second.start_ns - from_ns) / NS_PER_S - 0.03
    expected = [at_s + (at_s >= seam_s) * hours * 3600 for _, _, at_s in without_gap]
    assert [at_s for _, _, at_s in with_gap] == pytest.approx(expected, abs=1 / 40_000, rel=0)


@pytest.mark.parametrize("hours", [1, 14])
@pytest.mark.parametrize("kind", ["plain", "b_frames"])
def test_a_file_that_starts_within_the_picture_before_a_gap_starts_with_it(
    hours: int, kind: str, pool: Pool, tmp_path: Path
) -> None:
    first, second = [one for one in pool.segments if (pool.folder / kind) in one.path.parents][:2]
    after = delayed(second, hours)
    assert after.end_ns is not None
    for from_ms, start_ms in ((1950, 1950), (1970, 1960)):
        from_ns, start_ns = (START_NS + one * NS_PER_MS for one in (from_ms, start_ms))
        made = pool.file([first, after], from_ns, after.end_ns)
        assert made.start_ns == start_ns
        file = tmp_path / f"{from_ms}.mp4"
        file.write_bytes(read(made))
        after_gap_s = min(at_s for _, _, at_s in packets_of(file) if at_s > 1)
        expected_s = (after.start_ns - start_ns) / NS_PER_S
        assert after_gap_s == pytest.approx(expected_s, abs=0.011)
