from __future__ import annotations

import errno
import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_DAY, NS_PER_MS
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of
from domain.paths.segment_name import SegmentName
from ingest.recording.recovery import recover_segments
from storage.mp4.boxes import boxes, whole_bytes
from storage.recordings import ledger as ledger_module
from storage.recordings.ledger import Ledger, open_name
from tests.examples import examples
from tests.recorded import (
    B_FRAMES,
    HEVC,
    PER_FRAGMENT,
    PLAIN,
    START_NS,
    Material,
    nals_of_file,
    packets_of,
    recording,
)


@pytest.fixture(scope="module")
def open_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of 4.8 s as a process that was killed leaves it."""
    return _left_open(tmp_path_factory.mktemp("open"), PLAIN, 120)


def _left_open(folder: Path, material: Material, frames: int) -> Path:
    segments = recording(folder, fence=3, segment_s=60).segments
    packets = packets_of(material)[: frames - frames % PER_FRAGMENT]
    for at in range(0, len(packets), PER_FRAGMENT):
        segments.write(packets[at : at + PER_FRAGMENT])
    (segment,) = Ledger(folder).open_segments("cam-1")
    copy = folder / "left.mp4"
    shutil.copyfile(segment.path, copy)
    segments.close()
    return copy


def _as_open(folder: Path, data: bytes) -> Layout:
    layout = Layout(folder)
    day = layout.recordings_of("cam-1") / day_of(START_NS)
    shutil.rmtree(day, ignore_errors=True)
    day.mkdir(parents=True)
    (day / open_name("cam-1", START_NS // NS_PER_MS, 3)).write_bytes(data)
    return layout


def _files(layout: Layout) -> list[Path]:
    return [path for path in layout.recordings.rglob("*") if path.is_file()]


@pytest.mark.parametrize("material", [PLAIN, B_FRAMES, HEVC], ids=str)
def test_a_killed_recorder_loses_less_than_a_second(material: Material, tmp_path: Path) -> None:
    frames = 137
    layout = _as_open(tmp_path, _left_open(tmp_path, material, frames).read_bytes())
    (name,) = recover_segments(layout, "cam-1")
    (file,) = _files(layout)
    kept = nals_of_file(file)
    assert frames - 25 < len(kept) < frames
    assert name == SegmentName("cam-1", START_NS // NS_PER_MS, name.duration_ms, 3)
    assert file.name == name.file_name
    assert abs(name.duration_ms - len(kept) * 40) <= 40 * (material.b_frames + 1)
    assert recover_segments(layout, "cam-1") == []


@given(data=st.data())
@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_cut_at_any_byte_the_whole_fragments_are_kept(
    data: st.DataObject, open_file: Path, tmp_path: Path
) -> None:
    whole = open_file.read_bytes()
    torn = whole[: data.draw(st.integers(0, len(whole)))] + data.draw(
        st.sampled_from([b"", b"\0" * 500, random.Random(1).randbytes(3_000)])
    )
    layout = _as_open(tmp_path, torn)
    with open_file.open("rb") as file:
        ends = [box.end for box in boxes(file) if box.type == b"mdat"]
    # a tear behind the first bytes of what follows may leave one more mdat whole, filled with the
    # garbage: no reader can tell
    fragments = sum(1 for end in ends if end <= len(torn) and whole[:end] == torn[:end])
    names = recover_segments(layout, "cam-1")
    files = _files(layout)
    if fragments:
        (file_left,) = files
        assert len(names) == 1
        assert file_left.read_bytes()[: ends[fragments - 1]] == whole[: ends[fragments - 1]]
        assert whole_bytes(file_left) == file_left.stat().st_size
        assert nals_of_file(file_left)


def test_nothing_whole_is_deleted(open_file: Path, tmp_path: Path) -> None:
    for torn in (b"", b"\0" * 100, open_file.read_bytes()[:1_000]):
        layout = _as_open(tmp_path, torn)
        assert recover_segments(layout, "cam-1") == []
        assert _files(layout) == []


def test_what_cannot_be_read_is_left_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def box(kind: bytes, body: bytes) -> bytes:
        return (len(body) + 8).to_bytes(4, "big") + kind + body

    layout = _as_open(
        tmp_path,
        box(b"ftyp", b"isom")
        + box(b"moov", b"x" * 50)
        + box(b"moof", b"y" * 50)
        + box(b"mdat", b"z" * 50),
    )
    assert recover_segments(layout, "cam-1") == []
    assert len(_files(layout)) == 1
    assert "left unchanged" in caplog.text


def test_a_recording_is_recovered_if_its_index_cannot_be_written(
    open_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layout = _as_open(tmp_path, open_file.read_bytes())
    layout.recording_index.write_text("a file where a folder should be")
    (name,) = recover_segments(layout, "cam-1")
    assert [path.name for path in _files(layout)] == [name.file_name]
    assert f"{name.file_name} is not in the recording index" in caplog.text
    assert "left unchanged" not in caplog.text


def test_a_day_is_listed_again_only_after_its_folder_was_changed(
    open_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    names_in = ledger_module.names_in

    def listing(folder: Path) -> list[str]:
        listed.append(folder.name)
        return names_in(folder)

    layout = _as_open(tmp_path, open_file.read_bytes())
    today = day_of(START_NS)
    earlier = [day_of(START_NS - number * NS_PER_DAY) for number in (2, 1)]
    for day in earlier:
        (layout.recordings_of("cam-1") / day).mkdir()
    monkeypatch.setattr(ledger_module, "names_in", listing)

    def days_listed() -> list[str]:
        listed.clear()
        recover_segments(layout, "cam-1")
        return [name for name in listed if name != "cam-1"]

    assert days_listed() == [*earlier, today]
    assert days_listed() == [today]  # Its file was renamed.
    assert days_listed() == []
    left = layout.recordings_of("cam-1") / earlier[1] / open_name("cam-1", 1, 3)
    left.write_bytes(open_file.read_bytes())
    assert days_listed() == [earlier[1]]
    assert not left.exists()
    (layout.recordings_of("cam-1") / earlier[0]).rmdir()
    assert days_listed() == [earlier[1]]
    (layout.recordings_of("cam-1") / "recovered").write_text("20251009 x")
    assert days_listed() == [earlier[1], today]


def test_other_cameras_and_finished_files_are_not_touched(open_file: Path, tmp_path: Path) -> None:
    layout = _as_open(tmp_path, open_file.read_bytes())
    assert recover_segments(layout, "cam-2") == []
    assert "_open_" in _files(layout)[0].name


@pytest.mark.parametrize("unreadable", ["an earlier day", "the camera"])
def test_a_folder_that_cannot_be_read_prevents_no_start(
    open_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unreadable: str
) -> None:
    """Otherwise its worker fails at each start, and records none of its cameras."""
    layout, names_in = _as_open(tmp_path, open_file.read_bytes()), ledger_module.names_in
    folder = layout.recordings_of("cam-1")
    if unreadable == "an earlier day":
        folder /= day_of(START_NS - NS_PER_DAY)
        folder.mkdir()

    def fails_at_times(listed: Path) -> list[str]:
        if listed == folder:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return names_in(listed)

    monkeypatch.setattr(ledger_module, "names_in", fails_at_times)
    recovered = recover_segments(layout, "cam-1")
    assert len(recovered) == (1 if unreadable == "an earlier day" else 0)
    monkeypatch.undo()
    left = folder / open_name("cam-1", 1, 3)
    left.write_bytes(open_file.read_bytes())
    recover_segments(layout, "cam-1")
    assert unreadable == "the camera" or not left.exists(), "the folder is listed again"
