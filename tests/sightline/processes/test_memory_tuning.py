"""The tuned memory of long-lived processes: the garbage collector and the C library's heap."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from sightline.processes.memory_tuning import collect_seldom

KEPT_KB = """
import sys, threading
from pathlib import Path
from sightline.processes.memory_tuning import keep_little_free_memory

def resident_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

def work():
    bytearray(20_000_000)  # from now on, glibc takes smaller blocks than this from the heap
    blocks = [(b"x" * 6_000_000, b"x" * 100_000) for _ in range(3)]
    small = [block for _, block in blocks]  # they lie above the large ones
    del blocks
    kept.append(resident_kb() - before_kb)

if sys.argv[1] == "tuned":
    keep_little_free_memory()
kept, before_kb = [], resident_kb()
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(*kept)
"""


def test_what_is_loaded_is_never_looked_through_again() -> None:
    thresholds = gc.get_threshold()
    try:
        loaded: list[list[int]] = [[] for _ in range(1000)]
        collect_seldom(20_000)
        assert gc.get_threshold()[0] == 20_000
        assert gc.get_freeze_count() > len(loaded)
        looked_through = {id(found) for found in gc.get_objects()}
        assert not any(id(one) in looked_through for one in loaded)
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


def _kept_kb(how: str) -> int:
    command = [sys.executable, "-c", KEPT_KB, how]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has these parameters")
def test_large_blocks_are_returned_when_they_are_freed() -> None:
    assert _kept_kb("untuned") > 10_000
    assert _kept_kb("tuned") < 2_000
