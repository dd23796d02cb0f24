"""The simulator as a process: its line of JSON, its end on SIGTERM, and errors of a bad list."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from domain.errors import BadInput
from simulator import CodecChange, Stall
from simulator.__main__ import main, read_config
from tests.waiting import PATIENCE_S

MakeVideo = Callable[..., Path]
ROOT = Path(__file__).parents[2]


def _write(folder: Path, cameras: object) -> Path:
    path = folder / "cameras.json"
    path.write_text(json.dumps(cameras), "utf-8")
    return path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_and_ends_on_a_signal(
    make_video: MakeVideo, tmp_path: Path, number: signal.Signals
) -> None:
    config = _write(tmp_path, [{"path": "a/b", "file": str(make_video())}])
    command = [sys.executable, "-m", "simulator", "--config", str(config)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said["urls"] == {"a/b": f"rtsp://127.0.0.1:{said['port']}/a/b"}
        with av.open(said["urls"]["a/b"], timeout=PATIENCE_S) as container:
            assert container.streams.video[0].codec_context.name == "h264"
        process.send_signal(number)
        _, complaint = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, complaint) == (0, b"")


def test_it_falls_silent_and_says_what_it_sent_when_asked(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    config = _write(tmp_path, [{"path": "a", "file": str(make_video())}])
    command = [sys.executable, "-m", "simulator", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGUSR1)
        assert json.loads(process.stdout.readline())["a"]["sent_units"] == 0
        process.terminate()


def test_files_are_relative_to_the_list(tmp_path: Path) -> None:
    faults = [
        {"kind": "stall", "at_s": 1, "for_s": 2},
        {"kind": "codec_change", "at_s": 3, "file": "b.mp4"},
    ]
    (camera,) = read_config(
        _write(
            tmp_path,
            [{"path": "a", "file": "a.mp4", "mode": "on_play", "loop": False, "faults": faults}],
        )
    )
    assert (camera.file, camera.mode, camera.loop) == (tmp_path / "a.mp4", "on_play", False)
    assert camera.faults == (Stall(1.0, 2.0), CodecChange(3.0, tmp_path / "b.mp4"))


@pytest.mark.parametrize(
    ("cameras", "says"),
    [
        ({}, "the file"),
        ([{"path": "a"}], "0.file"),
        ([{"path": "a b", "file": "x"}], "0.path"),
        ([{"path": "a", "file": "x", "lop": True}], "0.lop"),
        ([{"path": "a", "file": "x", "mode": "dead"}], "0.mode"),
        ([{"path": "a", "file": "x", "faults": [{"kind": "flood"}]}], "0.faults.0"),
        (
            [
                {
                    "path": "a",
                    "file": "x",
                    "faults": [{"kind": "loss", "at_s": 0, "for_s": 1, "one_in": 0}],
                }
            ],
            "one_in",
        ),
    ],
)
def test_a_bad_list_is_refused_with_its_place(tmp_path: Path, cameras: object, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read_config(_write(tmp_path, cameras))


def test_a_missing_file_ends_it_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(_write(tmp_path, [{"path": "a", "file": "gone.mp4"}]))]) == 1
    assert "gone.mp4: no such file" in capsys.readouterr().err
