"""`make bench`: every benchmark is a part of it, and each part has valid arguments."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import benchmarks
from benchmarks.__main__ import PARTS, commands

OTHER_TARGETS = {"soak", "faults"}
"""They have a target of their own in the Makefile."""
SOURCE_ONLY = {"readability"}
"""They read the source tree and start nothing."""
NEEDS_VIDEO = {"passings", "faces"}
"""They measure videos that the caller names."""


def test_every_benchmark_has_a_part() -> None:
    folder = Path(benchmarks.__file__).parent
    packages = {file.parent for file in folder.glob("*/__main__.py")}
    modules = [
        file
        for file in (*folder.glob("*.py"), *folder.glob("*/*.py"))
        if file.parent not in packages and file.stem != "__main__"
    ]
    runnable = {package.name for package in packages} | {
        ".".join(file.relative_to(folder).with_suffix("").parts)
        for file in modules
        if "\ndef main(" in file.read_text("utf-8")
    }
    assert {
        words.split()[0] for words in PARTS.values()
    } == runnable - OTHER_TARGETS - NEEDS_VIDEO - SOURCE_ONLY


@pytest.mark.parametrize("name", PARTS)
def test_each_part_has_valid_arguments(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (command,) = commands([name], tmp_path / "v.mp4").values()
    python, option, module, *words = command
    assert (python, option) == (sys.executable, "-m")
    monkeypatch.setattr(sys, "argv", [module, *words, "--no-such-thing"])
    part = importlib.import_module(module)
    if hasattr(part, "__path__"):
        part = importlib.import_module(f"{module}.__main__")
    with pytest.raises(SystemExit):
        part.main()
    assert capsys.readouterr().err.rstrip().endswith("unrecognized arguments: --no-such-thing")


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "speed"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "'speed' is none of capacity-simulator" in done.stderr
