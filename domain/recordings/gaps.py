"""A range of a camera's time that is not recorded, and its cause. Times are UTC nanoseconds, the
end excluded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from domain.messages.message import Message, with_parts


class GapCause(StrEnum):
    CAMERA_DOWN = "camera_down"  # unreachable, wrong password, or nothing that can be recorded
    NETWORK = "network"  # the connection broke or lost packets on the way
    DECODER = "decoder"  # the video could not be recorded: no keyframes, or it is broken or unknown
    DISK = "disk"  # the disk refused it
    SHED = "shed"  # load shedding stopped the recording, in the stated order
    RESTART = "restart"  # this process or node was not running
    NOT_ASKED = "not_asked"  # its policy did not require a recording
    DELETED = "deleted"  # it was recorded, and then deleted by retention or for disk space
    DAMAGED = "damaged"  # it is stored, and differs from its SHA-256, so it is not sent
    CLOCK = "clock"  # the node's clock was set forward, so these times never occurred
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Gap:
    camera_id: str
    start_ns: int
    end_ns: int
    cause: GapCause
    detail: str = ""
    """A sentence for people; it never contains credentials."""
    since_ns: int = 0
    """The start of the cause if it is before `start_ns`; otherwise 0."""
    message: Message | None = None
    """`detail` with its parts, if it has any; it is derived from `detail`, or the other way."""

    def with_detail(self, detail: Message) -> Gap:
        return replace(self, detail=detail, message=None)

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", Message(self.message or self.detail))
        object.__setattr__(self, "message", with_parts(self.detail))
