"""The reserve: free space that recordings leave on their disk, and what happens when other files
use it.

| free space | what happens |
|---|---|
| below all of the reserve | the oldest recordings are deleted, the least important first \
  (`storage/recordings/disk_quota.py`) |
| below a half | if none may be deleted, cameras are not recorded, the least important first |
| below a tenth | recordings that a clip needs are deleted too, and cameras are not recorded |
| below a twentieth | nothing is recorded: the rest is for events |
"""

from __future__ import annotations

import os
from pathlib import Path

from domain.settings import Settings

BYTES_PER_GB = 10**9
SCARCE_PART = 2
CRITICAL_PART = 10
EVENTS_PART = 20


def reserve_bytes(settings: Settings) -> int:
    return round(settings.disk_reserve_gb * BYTES_PER_GB)


def events_bytes(settings: Settings) -> int:
    """Return the space that no recording may use, reserved for events."""
    return reserve_bytes(settings) // EVENTS_PART


def free_bytes(place: Path | int) -> int:
    """Return the free space on the disk of `place`, a folder or an open file. Raises OSError."""
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def reserve_load(reserve: int, part: int, free: int) -> float:
    """Return 1 if `part` (a half: 2) of a reserve in bytes is free, and more if less is free; 0
    without a reserve.
    """
    return reserve / part / max(1, free) if reserve else 0.0
