"""The answers of a node about the recordings of a camera."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from domain.recordings.gaps import Gap
from storage.recordings.recorded_ranges import Range


class NodeAccount(BaseModel):
    """What one node has recorded of a camera within a range. Times are UTC nanoseconds."""

    model_config = ConfigDict(frozen=True)

    recorded: list[Range]
    gaps: list[Gap]
    first_ns: int | None
    """The earliest moment of which this node knows anything."""
    deleted: Range | None
    """The range in which this node has deleted segments."""
    alive_ns: int | None
    """When a process of this node last ran the camera."""


class NodeSegment(BaseModel):
    """One segment that a node can serve."""

    model_config = ConfigDict(frozen=True)

    name: str
    end_ns: int
    """While the segment is being written, this is the moment up to which it can be read."""
    size_bytes: int
    head: str
    """The hash of its head. Segments with the same head play in sequence without a new head."""
    mime: str = ""
    """Its MIME type with codecs, for players."""
    modified_ns: int = 0
    """When its file was last changed; 0 from a node of an earlier version."""
    inode: int = 0
