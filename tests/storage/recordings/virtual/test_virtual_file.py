"""A virtual file has the pictures, the sound and the times of `cut`, and any range is its bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_S
from domain.errors import DataLoss, NotFound
from storage.mp4.demuxer import Mp4Reader
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.virtual import blocks
from storage.recordings.virtual.blocks import BlockSource, sources_of
from storage.recordings.virtual.layout_records import read_record
from storage.recordings.virtual.layouts import RecordingIndex, hashed_record
from storage.recordings.virtual.reader import read_bytes
from storage.recordings.virtual.virtual_file import (
    VirtualFile,
    join_blocks,
)
from tests.cut_clip import cut
from tests.recorded import (
    PLAIN,
    START_NS,
    packets_of,
    record,
    sound_of,
    with_sound,
)
from tests.storage.recordings.virtual.recording_pool import EVER, Checks, Pool, open_part, read

FUNCTION_SCOPED = [HealthCheck.function_scoped_fixture]


@dataclass(frozen=True)
class Placed:
    """A segment of the pool at another time."""

    number: int
    start_s: float
    fence: int

    def of(self, pool: Pool) -> Segment:
        segment = pool.segments[self.number % len(pool.segments)]
        assert segment.end_ns is not None
        start_ns = START_NS + round(self.start_s * NS_PER_S)
        length_ns = segment.end_ns - segment.start_ns
        return Segment(segment.path, "cam-1", start_ns, start_ns + length_ns, self.fence)


PLACED = st.builds(
    Placed,
    st.integers(0, 60),
    st.integers(0, 200).map(lambda tenths: tenths / 10),
    st.integers(1, 3),
)


def samples(path: Path) -> list[tuple[bool, bytes, int, int, bool]]:
    with Mp4Reader(path) as reader:
        found = [
            (one.is_sound, one.data, one.pts, one.dts, one.is_keyframe)
            for one in reader.with_sound()
        ]
    return sorted(found, key=lambda one: (one[0], one[3]))


def check_equal(pool: Pool, segments: Sequence[Segment], span: tuple[int, int], out: Path) -> None:
    """Check that the virtual file of a range agrees with the copy that `cut` makes."""
    try:
        made = cut(segments, *span, out / "cut.mp4")
    except NotFound:
        with pytest.raises(NotFound):
            pool.file(segments, *span)
        return
    file = pool.file(segments, *span)
    content = read(file)
    assert len(content) == file.size_bytes
    (out / "virtual.mp4").write_bytes(content)
    assert samples(out / "virtual.mp4") == samples(out / "cut.mp4")
    assert (file.start_ns, file.end_ns, file.gaps_ms, file.apart_ms) == (
        made.start_ns,
        made.end_ns,
        made.gaps_ms,
        made.apart_ms,
    )


@given(
    placed=st.lists(PLACED, min_size=1, max_size=6),
    from_s=st.floats(-1, 22) | st.integers(0, 220).map(lambda tenths: tenths / 10),
    length_s=st.floats(0.02, 22),
    block_s=st.sampled_from([2, 5, 3600]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=FUNCTION_SCOPED)
def test_it_agrees_with_cut_over_gaps_overlaps_and_changes(
    placed: list[Placed], from_s: float, length_s: float, block_s: int, pool: Pool, tmp_path: Path
) -> None:
    # Two processes never record under the same number from the same moment.
    unique = {(one.start_s, one.fence): one for one in placed}.values()
    segments = sorted((one.of(pool) for one in unique), key=lambda one: (one.start_ns, one.fence))
    from_ns = START_NS + round(from_s * NS_PER_S)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_NS", block_s * NS_PER_S)
        check_equal(pool, segments, (from_ns, from_ns + round(length_s * NS_PER_S)), tmp_path)


@given(
    placed=st.lists(PLACED, min_size=2, max_size=8),
    from_s=st.lists(st.integers(-10, 200).map(lambda tenths: tenths / 10), min_size=2, max_size=2),
    is_whole_ms=st.booleans(),
)
@settings(max_examples=50, deadline=None, suppress_health_check=FUNCTION_SCOPED)
def test_blocks_of_another_range_give_the_same_file(
    placed: list[Placed], from_s: list[float], is_whole_ms: bool, pool: Pool
) -> None:
    unique = {(one.start_s, one.fence): one for one in placed}.values()
    segments = sorted((one.of(pool) for one in unique), key=lambda one: (one.start_ns, one.fence))
    first, second = (
        (START_NS + round(second * NS_PER_S) + (not is_whole_ms), START_NS + 25 * NS_PER_S)
        for second in from_s
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_NS", 3 * NS_PER_S)
        known = {
            tuple(source.pieces): source.block
            for source in sources_of(pool.pieces(segments, *first), first[0])
        }
        sources = list(sources_of(pool.pieces(segments, *second), second[0]))
    if not sources:
        return
    others = [replace(one, block=known.get(tuple(one.pieces))) for one in sources]
    alone = [replace(one, block=None) for one in sources]
    expected = _file(sources, second)
    for file in (_file(others, second), _file(alone, second)):
        assert (file and file.etag) == (expected and expected.etag)
        assert (file and read(file)) == (expected and read(expected))


def _file(sources: Sequence[BlockSource], span: tuple[int, int]) -> VirtualFile | None:
    try:
        return join_blocks(sources, *span)
    except NotFound:
        return None


@pytest.mark.parametrize("kind", ["plain", "b_frames", "hevc", "long_gop", "slow", "aac", "alaw"])
@pytest.mark.parametrize(("from_s", "to_s"), [(0.5, 3), (3.36, 9.5), (0, 12), (1.98, 2.02)])
def test_it_agrees_with_cut_for_each_kind(
    kind: str, from_s: float, to_s: float, pool: Pool, tmp_path: Path
) -> None:
    segments = [one for one in pool.segments if (pool.folder / kind) in one.path.parents]
    span = (START_NS + round(from_s * NS_PER_S), START_NS + round(to_s * NS_PER_S))
    check_equal(pool, segments, span, tmp_path)


@given(ends=st.lists(st.floats(0, 1), min_size=1, max_size=12), from_s=st.floats(0, 5))
@settings(max_examples=60, deadline=None, suppress_health_check=FUNCTION_SCOPED)
def test_any_ranges_joined_are_the_whole(ends: list[float], from_s: float, pool: Pool) -> None:
    segments = [one for one in pool.segments if "aac" in str(one.path)]
    file = pool.file(segments, START_NS + round(from_s * NS_PER_S), START_NS + 9 * NS_PER_S)
    whole = read(file)
    cuts = sorted({0, file.size_bytes, *(int(end * file.size_bytes) for end in ends)})
    assert b"".join(read(file, a, b - a) for a, b in pairwise(cuts)) == whole


def test_the_etag_names_the_range_and_the_bytes(pool: Pool) -> None:
    segments = [one for one in pool.segments if (pool.folder / "plain") in one.path.parents]
    span = (START_NS + NS_PER_S, START_NS + 7 * NS_PER_S)
    file = pool.file(segments, *span)
    assert file.etag == pool.file(segments, *span).etag
    assert file.etag != pool.file(segments, span[0], span[1] + 1).etag
    assert file.etag != pool.file(segments[:2] + segments[3:], *span).etag
    newer = Segment(segments[1].path, "cam-1", segments[1].start_ns, segments[1].end_ns, 9)
    assert file.etag != pool.file([*segments, newer], *span).etag


@pytest.fixture(scope="module")
def hashed(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """Segments of 4 s with the hashes of their fragments, of which each has about a second."""
    folder = tmp_path_factory.mktemp("hashed")
    packets = packets_of(PLAIN)
    sound = sound_of("aac", packets[0], 11.9)
    record(with_sound(packets, sound), folder / "recordings", sound=sound, segment_s=4)
    segments = Ledger(folder / "recordings").segments("cam-1", *EVER)
    for segment in segments:
        index = RecordingIndex(folder / "index")
        index.add("cam-1", segment.start_ns, hashed_record(segment.path))
    return Pool(segments, folder)


@pytest.mark.parametrize("number", range(4))
def test_a_damaged_fragment_is_a_gap_up_to_the_next_keyframe(
    number: int, hashed: Pool, tmp_path: Path
) -> None:
    second, span = hashed.segments[1], (START_NS + 2 * NS_PER_S, START_NS + 11 * NS_PER_S)
    whole = hashed.file(hashed.segments, *span)
    file = hashed.file(hashed.segments, *span, {second.path: frozenset((number,))})
    assert file.etag != whole.etag
    for name, made in (("whole", whole), ("part", file)):
        (tmp_path / name).write_bytes(read(made))
    (record_of_second,) = hashed.layouts.records([second])
    layout = read_record(record_of_second).layout
    fragments = np.searchsorted(layout.fragments[:, 0], layout.video.offsets, "right") - 1
    lost = np.flatnonzero(fragments == number)
    first_lost = 50 + int(lost[0])  # after the pictures of the first segment from 2 s on
    next_keyframe = 50 + -(-(int(lost[-1]) + 1) // 25) * 25
    pictures = [data for is_sound, data, *_ in samples(tmp_path / "whole") if not is_sound]
    left = [data for is_sound, data, *_ in samples(tmp_path / "part") if not is_sound]
    assert left == pictures[:first_lost] + pictures[next_keyframe:]
    ((gap_start_ms, gap_end_ms),) = file.gaps_ms
    start_ms = START_NS // 1_000_000
    assert gap_start_ms - start_ms == pytest.approx(2000 + first_lost * 40, abs=41)
    assert gap_end_ms - start_ms == pytest.approx(2000 + next_keyframe * 40, abs=1)


def test_each_fragment_is_compared_once_before_its_bytes_are_returned(hashed: Pool) -> None:
    file = hashed.file(hashed.segments, START_NS, START_NS + 12 * NS_PER_S)
    checks = Checks()
    whole = read(file, checks=checks)
    fragments = sum(len(one.fragments) for one in file.segments)
    assert len(checks.compared) == len(set(checks.compared)) == fragments
    assert read(file, checks=checks) == whole
    assert len(checks.compared) == fragments
    middle = Checks()
    part = read(file, file.size_bytes // 2, 1000, middle)
    assert part == whole[file.size_bytes // 2 :][:1000]
    assert 1 <= len(middle.compared) <= 2


@given(place=st.floats(0, 1))
@settings(max_examples=30, deadline=None, suppress_health_check=FUNCTION_SCOPED)
def test_a_flipped_bit_is_never_returned(place: float, hashed: Pool) -> None:
    file = hashed.file(hashed.segments, START_NS, START_NS + 12 * NS_PER_S)
    whole = read(file)
    path = hashed.segments[1].path
    intact = path.read_bytes()
    start = int(file.segments[1].fragments[0, 0])
    at = start + int(place * (len(intact) - start - 1))
    damaged = bytearray(intact)
    damaged[at] ^= 1
    path.write_bytes(damaged)
    received = bytearray()
    try:
        with pytest.raises(DataLoss):
            _receive(file, received)
    finally:
        path.write_bytes(intact)
    assert whole.startswith(received)
    assert len(received) < len(whole)


def _receive(file: VirtualFile, received: bytearray) -> None:
    for chunk in read_bytes(file, 0, file.size_bytes, open_part(file), Checks()):
        received += chunk
