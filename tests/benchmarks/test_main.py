"""`make bench`: every benchmark has a part in it, and each part is told what its module takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import benchmarks
from benchmarks.__main__ import PARTS, commands

VERBS_OF_THEIR_OWN = {"soak"}
SOURCE_ONLY = {"readability"}
"""They read the source tree and start nothing."""
ASKED_BY_HAND = {"passings", "faces"}
"""They measure videos that somebody names."""


def test_every_benchmark_has_a_part() -> None:
    folder = Path(benchmarks.__file__).parent
    runnable = {
        file.stem
        for file in folder.glob("*.py")
        if "\ndef main(" in file.read_text("utf-8") and file.stem != "__main__"
    }
    assert {
        words.split()[0] for words in PARTS.values()
    } == runnable - VERBS_OF_THEIR_OWN - ASKED_BY_HAND - SOURCE_ONLY


@pytest.mark.parametrize("name", PARTS)
def test_each_module_takes_what_it_is_told(name: str, tmp_path: Path) -> None:
    (command,) = commands([name], tmp_path / "v.mp4").values()
    assert command[:2] == [sys.executable, "-m"]
    done = subprocess.run(
        [*command, "--no-such-thing"], capture_output=True, text=True, check=False
    )
    assert done.stderr.rstrip().endswith("unrecognized arguments: --no-such-thing")


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "speed"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "'speed' is none of capacity-simulator" in done.stderr
