"""A stretch of a camera's time that is not recorded, and why. Times are UTC nanoseconds, the
end excluded.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class GapCause(StrEnum):
    CAMERA_DOWN = (
        "camera_down"  # unreachable, refuses, wrong password, or sends nothing that can be recorded
    )
    NETWORK = "network"  # the connection broke or lost packets on the way
    DECODER = "decoder"  # what came could not be recorded: no keyframes, broken or unknown video
    DISK = "disk"  # the disk refused it
    SHED = "shed"  # given up under pressure, by the stated order
    RESTART = "restart"  # our process or node was not running
    NOT_ASKED = "not_asked"  # by its policy this was not to be recorded
    DELETED = "deleted"  # it was recorded, and retention or a full disk took it
    CLOCK = "clock"  # the node's clock was set forward: these moments never were
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Gap:
    camera_id: str
    start_ns: int
    end_ns: int
    cause: GapCause
    detail: str = ""
    """A sentence for people; never credentials."""
    since_ns: int = 0
    """Since when the cause holds, where that is before `start_ns`; 0 where it is not."""
