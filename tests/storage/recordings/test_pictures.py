"""Pictures of a moment have their times, whatever the segment lacks."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest

from domain.clock import NS_PER_S, rfc3339
from domain.errors import DataLoss, NotFound
from storage.mp4.segment_layout import SegmentLayout, read_layout
from storage.recordings.pictures import picture_at
from tests.recorded import B_FRAMES, PLAIN, START_NS, Material, number_in, packets_of, recording

FRAME_NS = PLAIN.frame_ns
MATERIALS = {"plain": PLAIN, "B-frames": B_FRAMES}


def recorded(folder: Path, material: Material) -> tuple[bytes, SegmentLayout]:
    """Return a segment of twelve seconds, whose fragments have a second each, and its layout."""
    made = recording(folder, segment_s=20.0)
    packets = packets_of(material)
    for first in range(0, len(packets), material.gop):
        made.segments.write(packets[first : first + material.gop])
    made.segments.close()
    (path,) = folder.rglob("*.mp4")
    data = path.read_bytes()
    return data, read_layout(io.BytesIO(data))


def without_fragments(data: bytes, layout: SegmentLayout, count: int) -> bytes:
    """Return a segment without its first fragments."""
    return data[: layout.fragments[0, 0]] + data[layout.fragments[count, 0] :]


def shown_number(jpeg: bytes) -> int:
    with av.open(io.BytesIO(jpeg), "r", format="mjpeg") as container:
        return number_in(next(container.decode(video=0)))


@pytest.mark.parametrize("material", MATERIALS.values(), ids=MATERIALS)
@pytest.mark.parametrize("has_edit_list", [True, False], ids=["edit list", "no edit list"])
def test_a_picture_has_its_time_also_without_the_first_fragments(
    tmp_path: Path, material: Material, has_edit_list: bool
) -> None:
    data, layout = recorded(tmp_path, material)
    if not has_edit_list:
        data = data.replace(b"edts", b"free")
    first_shown = layout.video.first_shown
    assert (first_shown > 0) == (material is B_FRAMES)
    for frame in (75, 76, 77, 78, 80, 120, 299):
        at_ns = START_NS + frame * FRAME_NS
        whole = picture_at(data, START_NS, at_ns + FRAME_NS // 2, first_shown)
        assert rfc3339(whole[1]) == rfc3339(at_ns)
        for missing in (1, 2):
            rest = without_fragments(data, layout, missing)
            assert picture_at(rest, START_NS, at_ns, first_shown) == whole
        assert shown_number(whole[0]) == frame


def test_a_moment_before_the_first_picture_has_none(tmp_path: Path) -> None:
    data, layout = recorded(tmp_path, B_FRAMES)
    rest = without_fragments(data, layout, 2)
    first_shown = layout.video.first_shown
    with pytest.raises(NotFound):
        picture_at(rest, START_NS, START_NS + 2 * NS_PER_S - FRAME_NS, first_shown)
    with pytest.raises(DataLoss):
        picture_at(data[:100], START_NS, START_NS, first_shown)
