"""`storage check` prints its findings, and a summary also after a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from domain.paths.data_layout import Layout
from domain.people import Role
from sightline.cli import main
from sightline.processes.store_clients import open_stores
from tests.kept import START_NS, record
from tests.people import people_of


@pytest.fixture
def data(empty_site: Path) -> Path:
    return empty_site


def _lose_person(data: Path) -> None:
    with open_stores(Layout(data)) as stores:
        people_of(stores.redis, stores.objects).add("li.wei", Role.OPERATOR)
        stores.identity.settle()
        stores.redis.do("DEL", "{people}:records", "{people}:tokens")


def _segments(data: Path, count: int) -> list[Path]:
    recordings = Layout(data).recordings
    record(recordings, "gate", START_NS, 5 * count)
    return sorted((recordings / "gate").rglob("*.mp4"))


def test_findings_come_at_once_and_json_stays_one_document(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["storage", "check", "--data", str(data)]) == 0
    assert capsys.readouterr() == ("clean\n", "")
    _lose_person(data)
    assert main(["storage", "check", "--data", str(data)]) == 1
    shown = capsys.readouterr()
    line = "person_not_restored: li.wei: Redis does not know this person; rebuild the index"
    assert shown.out == f"{line}\n1 breaches\n"
    assert shown.err == f"seen once: {line}\n"
    assert main(["storage", "check", "--json", "--data", str(data)]) == 1
    breach, subject, message = line.split(": ")
    assert json.loads(capsys.readouterr().out) == [
        {"breach": breach, "subject": subject, "message": message}
    ]


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT])
def test_a_check_that_a_signal_ends_says_what_it_found(data: Path, ended_by: int) -> None:
    _lose_person(data)
    torn, never_ends = _segments(data, 2)
    torn.write_bytes(torn.read_bytes()[:-100])
    # Nothing writes to this FIFO, so the check waits at it until the signal.
    never_ends.unlink()
    os.mkfifo(never_ends)
    command = [sys.executable, "-m", "sightline", "storage", "check", "--deep", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not any(line.startswith("segment_damaged") for line in lines):
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        process.send_signal(ended_by)
        rest = process.stdout.read()
    assert process.returncode == 1
    expected = ["person_not_restored", "too_old", "segment_damaged"]
    assert [line.split(":")[0] for line in lines] == expected
    assert rest == (
        "ended before everything was checked: 3 breaches found; the stores checked whole; "
        "recordings of 0 of 1 cameras checked\n"
    )


def test_decoding_damaged_pictures_writes_no_log_of_libav(
    data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (damaged,) = _segments(data, 1)
    content = bytearray(damaged.read_bytes())
    for media in range(content.find(b"mdat") + 700, len(content) - 200, 50):
        content[media] ^= 0xFF
    damaged.write_bytes(content)
    assert main(["storage", "check", "--deep", "--data", str(data)]) == 1
    shown = capfd.readouterr()
    assert "segment_damaged: " in shown.out
    assert "@ 0x" not in shown.err
