"""The table of the processes of a small site counts every process."""

from __future__ import annotations

import pytest

from benchmarks.processes import Memory
from benchmarks.sites.small_site import Spent, rows_of, sums


def test_processes_with_one_command_line_are_added_up() -> None:
    memory = Memory(anonymous=1_000_000, file=1_000_000)
    before = {pid: Spent(name, 1.0, memory) for pid, name in ((1, "api"), (2, "api"), (3, "live"))}
    after = {pid: Spent(one.name, 1.0 + pid, memory) for pid, one in before.items()}
    after[4] = Spent("api", 5.0, memory)  # It started in the meantime, so its use is unknown.
    rows = rows_of(before, after, 10.0)
    assert rows == {
        "api": {"memory_mb": 4.0, "of_it_files_mb": 2.0, "cpu_percent_of_a_core": 30.0},
        "live": {"memory_mb": 2.0, "of_it_files_mb": 1.0, "cpu_percent_of_a_core": 30.0},
    }
    assert sums(rows.values()) == pytest.approx(
        {"memory_mb": 6.0, "of_it_files_mb": 3.0, "cpu_percent_of_a_core": 60.0}
    )
