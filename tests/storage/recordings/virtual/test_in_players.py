"""A virtual file in other programs: ffprobe counts its packets, and VLC plays it to its end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import av
import pytest

from domain.clock import NS_PER_S
from domain.errors import DataLoss
from storage.recordings.cut_plan import plan
from storage.recordings.file_reader import FilePart
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.virtual.layout_records import read_record
from storage.recordings.virtual.layouts import hashed_record
from storage.recordings.virtual.reader import read_bytes
from storage.recordings.virtual.timeline import LaidOutPiece
from storage.recordings.virtual.virtual_file import make_virtual_file
from tests.cut_clip import cut
from tests.recorded import (
    B_FRAMES,
    HEVC,
    PLAIN,
    START_NS,
    packets_of,
    record,
    sound_of,
    with_sound,
)
from tests.waiting import PATIENCE_S

UNPRIVILEGED_ID = 65534
FROM_NS, TO_NS = START_NS + 3 * NS_PER_S // 2, START_NS + 9 * NS_PER_S
KINDS = {"plain": PLAIN, "b_frames": B_FRAMES, "hevc": HEVC}


class EachFragment:
    """Compares each fragment."""

    def is_verified(self, segment: int, fragment: int) -> bool:
        return False

    def check(self, segment: int, fragment: int, found: bytes, sha256: bytes) -> None:
        if found != sha256:
            raise DataLoss(f"fragment {fragment} of segment {segment}")


def write_virtual(segments: Sequence[Segment], out: Path) -> None:
    pieces = [
        LaidOutPiece(piece, found.layout, found.hashes)
        for piece in plan(segments, FROM_NS, TO_NS)
        if (found := read_record(hashed_record(piece.segment.path)))
    ]
    file = make_virtual_file(pieces, FROM_NS, TO_NS)

    def open_part(number: int, offset: int, length: int) -> FilePart:
        return FilePart(file.segments[number].segment.path, offset, length)

    out.write_bytes(b"".join(read_bytes(file, 0, file.size_bytes, open_part, EachFragment())))


@pytest.fixture(params=[*KINDS, "sound"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """The virtual file of a range with a gap, and the file of `cut`."""
    packets = packets_of(KINDS.get(request.param, PLAIN))
    sound = sound_of("aac", packets[0], 11.9) if request.param == "sound" else []
    recordings = tmp_path / "recordings"
    record(with_sound(packets, sound) if sound else packets, recordings, sound=sound)
    segments = list(Ledger(recordings).segments("cam-1", 0, 2 * START_NS))
    del segments[2]
    made = tmp_path / "virtual.mp4", tmp_path / "cut.mp4"
    write_virtual(segments, made[0])
    cut(segments, FROM_NS, TO_NS, made[1])
    return made


def packets_in(path: Path, ffmpeg: str) -> list[tuple[str, str, str]]:
    """Return codec, duration and number of packets of each stream, as ffprobe counts them."""
    command = [str(Path(ffmpeg).with_name("ffprobe")), "-v", "error", "-count_packets"]
    command += ["-show_entries", "stream=codec_name,duration,nb_read_packets", "-of", "json"]
    probed = subprocess.run([*command, str(path)], check=True, capture_output=True, text=True)
    assert probed.stderr == ""
    return [
        (one["codec_name"], one["duration"], one["nb_read_packets"])
        for one in json.loads(probed.stdout)["streams"]
    ]


def test_ffprobe_counts_the_packets_of_cut(made: tuple[Path, Path], ffmpeg: str) -> None:
    virtual, copy = (packets_in(path, ffmpeg) for path in made)
    assert virtual == copy
    assert int(virtual[0][2]) > 100


def played_pictures(path: Path) -> int:
    """Play a file in VLC to its end; return the number of pictures that its demultiplexer read.

    VLC refuses to run as root, so it gets open files.
    """
    program = shutil.which("cvlc")
    if program is None:
        pytest.skip("Debian package absent: vlc-bin")
    out = path.with_suffix(".ts")
    out.touch()
    out.chmod(0o666)
    options = ["-I", "dummy", "--no-dbus", "--play-and-exit", "fd://0"]
    output = "#std{access=file,mux=ts,dst=/dev/fd/1}"
    account, groups = (UNPRIVILEGED_ID, list[int]()) if os.getuid() == 0 else (None, None)
    with path.open("rb") as file, out.open("wb") as written:
        subprocess.run(
            [program, *options, "--sout", output],
            stdin=file,
            stdout=written,
            stderr=subprocess.DEVNULL,
            user=account,
            group=account,
            extra_groups=groups,
            check=True,
            timeout=PATIENCE_S,
        )
    with av.open(str(out)) as container:
        return sum(1 for packet in container.demux(container.streams.video[0]) if packet.size)


def test_vlc_plays_it_as_the_file_of_cut(made: tuple[Path, Path]) -> None:
    virtual, copy = map(played_pictures, made)
    assert virtual == copy > 100
