"""Memory that is free in this process is returned to the kernel."""

from __future__ import annotations

import subprocess
import sys

BLOCKS, BLOCK_BYTES = 600, 100_000
"""Blocks of this size come from the heap. Larger ones have mappings of their own."""
FREE_MB = """
import sys
from pathlib import Path
from analytics.inference.free_memory import return_free_memory

def resident_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

count, size = map(int, sys.argv[1:])
blocks = [bytes(size) for _ in range(count)]
last = bytes(size)  # it keeps the heap from shrinking when the others are freed
before_kb = resident_kb()
del blocks
kept_kb = resident_kb()
return_free_memory()
print((before_kb - kept_kb) // 1000, (kept_kb - resident_kb()) // 1000)
"""


def test_free_memory_below_memory_in_use_is_returned() -> None:
    command = [sys.executable, "-c", FREE_MB, str(BLOCKS), str(BLOCK_BYTES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    by_itself_mb, returned_mb = map(int, done.stdout.split())
    freed_mb = BLOCKS * BLOCK_BYTES // 1_000_000
    assert by_itself_mb < freed_mb / 4
    assert returned_mb > freed_mb / 2
