"""What a node's door tells of a camera's time."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from domain.gaps import Gap
from storage.recorded import Range


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
