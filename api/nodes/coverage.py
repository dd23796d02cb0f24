"""What a node's door tells of a camera's time."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from domain.recordings.gaps import Gap
from storage.recordings.recorded_ranges import Range

LAST_HEADER = "Sightline-Last-Ns"
"""The wall time of the last keyframe of an answer; absent where there is none."""


class NodeAccount(BaseModel):
    """What one node has of a camera within a range, as its door tells. UTC nanoseconds."""

    model_config = ConfigDict(frozen=True)

    recorded: list[Range]
    gaps: list[Gap]
    first_ns: int | None
    """The earliest moment of which this node knows anything."""
    deleted: Range | None
    """From when until when it deleted segments."""
    alive_ns: int | None
    """When a process of it last looked after the camera."""


class NodeSegment(BaseModel):
    """One segment that a node can serve."""

    model_config = ConfigDict(frozen=True)

    name: str
    end_ns: int
    """Of one that is being written: up to which it can be read."""
    size_bytes: int
    head: str
    """The hash of its head: two of the same can be played one after the other without a new one."""
    mime: str = ""
    """What it holds, as players are told it."""
