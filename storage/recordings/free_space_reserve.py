"""The reserve, which is free space that recordings leave on their disk, and what happens as it is
eaten into all the same.

below all of it       the oldest recordings are deleted, the least important first
(`storage/recordings/disk_quota.py`) below a half          where none may be deleted, cameras are
given up, the least important first below a tenth         recordings that a clip waits for are
deleted too, and cameras are given up whatever could be deleted below a twentieth     nothing is
recorded: what is left is for events
"""

from __future__ import annotations

import os
from pathlib import Path

from domain.settings import Settings

BYTES_PER_GB = 10**9
SCARCE_PART = 2
DIRE_PART = 10
EVENTS_PART = 20


def reserve_bytes(settings: Settings) -> int:
    return round(settings.disk_reserve_gb * BYTES_PER_GB)


def events_bytes(settings: Settings) -> int:
    """What no recording may take, however much there is to record."""
    return reserve_bytes(settings) // EVENTS_PART


def free_bytes(place: Path | int) -> int:
    """On the disk that holds `place`, a folder or an open file. Raises OSError."""
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def strain(reserve: int, part: int, free: int) -> float:
    """1 where `part` (a half: 2) of a reserve in bytes is free, above where less is; 0 without
    a reserve.
    """
    return reserve / part / max(1, free) if reserve else 0.0
