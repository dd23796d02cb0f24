"""A download with a gap, sound and B-frames in VLC: it reads every picture and every sound, and
shows the pictures.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.api.cameras.recorded_site import START_NS, address
from tests.recorded import B_FRAMES, packets_of, record, sound_of, with_sound

if TYPE_CHECKING:
    from tests.api.conftest import Site

UNPRIVILEGED_ID = 65534
MISSING = 2
"""The number of the segment that is missing."""
NOT_SHOWN = 2
"""VLC ends before it shows the last pictures."""
_COUNTED = re.compile(r"final type:(Video|Audio) id:\d+ segments:(\d+)")


@pytest.fixture
def download(site: Site, tmp_path: Path) -> Path:
    """12 s with sound and B-frames in segments of 2 s, of which the third is missing."""
    packets = packets_of(B_FRAMES, START_NS)
    sound = sound_of("aac", packets[0], 11.9)
    record(with_sound(packets, sound), tmp_path / "recorded", sound=sound)
    for number, path in enumerate(sorted((tmp_path / "recorded").rglob("*.mp4"))):
        folder = site.layout.recordings_of("east-gate") / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        if number != MISSING:
            path.rename(folder / path.name.replace("cam-1", "east-gate"))
    site.hold("east-gate")
    answer = site.get(address(1.5, 11))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Sightline-Gaps"].count("/") == 1
    path = tmp_path / "download.mp4"
    path.write_bytes(answer.content)
    return path


def counted(path: Path, ffmpeg: str) -> dict[str, int]:
    """Return the packets of each kind, as ffprobe counts them."""
    command = [str(Path(ffmpeg).with_name("ffprobe")), "-v", "error", "-count_packets"]
    command += ["-show_entries", "stream=codec_type,nb_read_packets", "-of", "json", str(path)]
    probed = subprocess.run(command, check=True, capture_output=True, text=True)
    assert probed.stderr == ""
    return {
        one["codec_type"]: int(one["nb_read_packets"])
        for one in json.loads(probed.stdout)["streams"]
    }


def play(path: Path, *options: str) -> str:
    """Play a file in VLC to its end; return its log. It refuses to run as root."""
    program = shutil.which("cvlc")
    if program is None:
        pytest.skip("Debian package absent: vlc-bin")
    account, groups = (UNPRIVILEGED_ID, list[int]()) if os.getuid() == 0 else (None, None)
    command = [program, "-v", "-I", "dummy", "--no-dbus", "--play-and-exit", *options, "fd://0"]
    with path.open("rb") as file:
        done = subprocess.run(
            command,
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            user=account,
            group=account,
            extra_groups=groups,
            check=True,
            timeout=120,
        )
    return done.stderr.decode("utf-8", "replace")


def test_vlc_reads_every_picture_and_every_sound(download: Path, ffmpeg: str) -> None:
    found = {
        kind.lower(): int(count)
        for kind, count in _COUNTED.findall(play(download, "--sout", "#stats"))
    }
    assert found == counted(download, ffmpeg)
    assert found["video"] > 100


def test_vlc_decodes_and_shows_the_pictures(download: Path, ffmpeg: str) -> None:
    """It shows a picture again while nothing is recorded, so equal ones count once."""
    with tempfile.TemporaryDirectory() as folder:  # the folders of pytest are of one account
        shown = Path(folder)
        shown.chmod(0o777)
        play(
            download,
            *("--no-audio", "--vout", "vdummy", "--rate", "4"),
            *("--no-drop-late-frames", "--no-skip-frames", "--video-filter", "scene"),
            *("--scene-ratio", "1", "--scene-format", "png", "--scene-path", folder),
        )
        pictures = {hashlib.sha256(path.read_bytes()).digest() for path in shown.iterdir()}
    assert len(pictures) >= counted(download, ffmpeg)["video"] - NOT_SHOWN
