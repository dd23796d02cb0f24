"""The answers of a node about the recordings of its cameras."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from domain.recordings.gaps import Gap
from domain.recordings.partly_analysed import Analysed, PartlyAnalysed
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
    partly_analysed: list[PartlyAnalysed] = []
    """The ranges in which this node missed passings; empty from a node of an earlier version."""
    analysed_again: list[Analysed] = []
    """The ranges that this node analysed from the recording afterwards."""


class LoggedGaps(BaseModel):
    """The gaps that one node logged of all its cameras within a range."""

    model_config = ConfigDict(frozen=True)

    gaps: list[Gap]
