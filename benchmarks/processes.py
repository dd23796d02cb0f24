"""Reads the CPU time and the memory of a process tree from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds used since each process began, and its memory two ways: resident, in which pages
    that processes share count for each of them (what process viewers show), and proportional, in
    which they count once.
    """

    cpu_s: float
    resident_bytes: int
    proportional_bytes: int


def cost_of(pids: list[int]) -> Cost:
    return Cost(
        sum(map(_cpu_s, pids)),
        sum(_memory_bytes(pid, "Rss:") for pid in pids),
        sum(_memory_bytes(pid, "Pss:") for pid in pids),
    )


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def _memory_bytes(pid: int, kind: str) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(kind):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{pid}/smaps_rollup has no {kind}")


@dataclass(frozen=True, slots=True)
class Memory:
    """The proportional memory of a process, in bytes, by what it holds."""

    anonymous: int
    """Memory of its own or shared with processes of the same fork; only swap could take it."""
    file: int
    """Mapped files, mostly programs and libraries. The kernel can drop and read clean pages."""

    @property
    def total(self) -> int:
        return self.anonymous + self.file


def memory_of(pid: int) -> Memory:
    """Raises OSError where the process has gone."""
    shared = _memory_bytes(pid, "Pss_Shmem:")
    return Memory(_memory_bytes(pid, "Pss_Anon:") + shared, _memory_bytes(pid, "Pss_File:"))


@dataclass(frozen=True, slots=True)
class Held:
    """What one process holds at a moment."""

    resident_bytes: int
    descriptors: int
    threads: int


def held_by(pid: int) -> Held:
    """Raises OSError where the process has gone."""
    process = Path(f"/proc/{pid}")
    descriptors, threads = (sum(1 for _ in (process / name).iterdir()) for name in ("fd", "task"))
    return Held(_memory_bytes(pid, "Rss:"), descriptors, threads)


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


def descendants_of(pid: int) -> list[int]:
    """Its children, theirs, and so on."""
    return [found for child in children_of(pid) for found in (child, *descendants_of(child))]


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
