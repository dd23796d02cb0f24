"""Sums of files are those of asking for each, whatever comes and goes, and nothing is
remembered of a single file.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from storage.recordings.disk_usage import OPEN_MARK, DiskUsage


def truth(folders: list[Path]) -> int:
    return sum(
        file.stat().st_size for folder in folders if folder.is_dir() for file in folder.iterdir()
    )


def touched(folder: Path, at: int) -> None:
    """A change of a folder is seen by its time, which two concurrent changes may share: here each
    has its own.
    """
    if folder.is_dir():
        os.utime(folder, ns=(at, at))


@pytest.mark.parametrize("seed", range(8))
def test_sums_are_those_of_asking_for_each(seed: int, tmp_path: Path) -> None:
    rng, sizes, totals = random.Random(seed), DiskUsage(), list[int]()
    folders = [tmp_path / day for day in ("20261101", "20261102", "20261103")]
    for step in range(200):
        folder = rng.choice(folders)
        folder.mkdir(exist_ok=True)
        files = sorted(folder.iterdir())
        action = rng.choice(
            ("new", "new", "earlier", "open", "finish", "reported", "unreported", "both")
        )
        if action in ("new", "earlier", "open", "both"):
            start = 10_000 + step if action != "earlier" else rng.randrange(10_000)
            middle = OPEN_MARK.strip("_") if action == "open" else "9999"
            (folder / f"gate_{start}_{middle}_{step}.mp4").write_bytes(bytes(rng.randrange(1, 50)))
        if action == "finish" and (growing := [file for file in files if OPEN_MARK in file.name]):
            growing[0].rename(folder / growing[0].name.replace(OPEN_MARK, "_8000_"))
        if action in ("reported", "unreported", "both") and (
            done := [file for file in files if OPEN_MARK not in file.name]
        ):
            gone = rng.choice(done)
            size_bytes = gone.stat().st_size
            gone.unlink()
            if action == "reported":
                sizes.removed(gone, size_bytes)
        touched(folder, step)
        if rng.random() < 0.6:
            totals.append(sizes.total_bytes(folders))
            assert totals[-1] == truth(folders), (step, action)
    assert len(set(totals)) > 20


def test_a_file_is_asked_for_once_and_one_that_grows_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = tmp_path / "20261101"
    day.mkdir()
    for start in range(10, 30):
        (day / f"gate_{start}_9999_1.mp4").write_bytes(b"12345")
    (day / f"gate_30{OPEN_MARK}1.mp4").write_bytes(b"1")
    sizes, asked, stat = DiskUsage(), list[str](), Path.stat
    assert sizes.total_bytes([day]) == 101
    (day / "gate_31_9999_1.mp4").write_bytes(b"12345")
    touched(day, 1)

    def counted(path: Path) -> os.stat_result:
        asked.append(path.name)
        return stat(path)

    monkeypatch.setattr(Path, "stat", counted)
    assert sizes.total_bytes([day]) == 106
    assert sorted(asked) == sorted(["20261101", "gate_31_9999_1.mp4", f"gate_30{OPEN_MARK}1.mp4"])
