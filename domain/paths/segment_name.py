"""The names of segment files, in a folder and in the object store."""

from __future__ import annotations

import re
from dataclasses import dataclass

from domain.clock import LATEST_NS, NS_PER_MS

MAX_FENCE = (1 << 63) - 1
"""The largest integer of Redis."""
_MAX_DIGITS = 19
_CAMERA = r"(?P<camera>[A-Za-z0-9][A-Za-z0-9._-]*)"
_SEGMENT = re.compile(
    _CAMERA + r"_(?P<start>[0-9]{1,19})_(?P<duration>[0-9]{1,19}|open)_(?P<fence>[0-9]{1,19})\.mp4"
)


def segment_number(text: str) -> int | None:
    """Parse a number in a segment's name; None if it is not a number or is too long for a name."""
    if len(text) > _MAX_DIGITS or not (text.isascii() and text.isdigit()):
        return None
    return int(text)


@dataclass(frozen=True, slots=True, order=True)
class SegmentName:
    """The name of a segment, from which the ledger is rebuilt: `<camera>_<start ms>_<duration
    ms>_<fence>.mp4`.
    """

    camera_id: str
    start_ms: int
    duration_ms: int
    fence: int

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.duration_ms

    @property
    def start_ns(self) -> int:
        return self.start_ms * NS_PER_MS

    @property
    def end_ns(self) -> int:
        return self.end_ms * NS_PER_MS

    @property
    def file_name(self) -> str:
        return f"{self.camera_id}_{self.start_ms}_{self.duration_ms}_{self.fence}.mp4"

    @classmethod
    def parse(cls, file_name: str) -> SegmentName | None:
        """Parse the name of a finished segment; None for other files.

        The segment must end before the year 10000, so that it has a day and its times can be
        written.
        """
        match = _SEGMENT.fullmatch(file_name)
        if match is None or match["duration"] == "open":
            return None
        name = cls(
            match["camera"], int(match["start"]), int(match["duration"]), int(match["fence"])
        )
        return name if name.end_ns < LATEST_NS and name.fence <= MAX_FENCE else None


def parse_open_name(file_name: str) -> tuple[str, int, int] | None:
    """Return camera, start (ms) and fence of a segment that is being written; None for other
    names.
    """
    match = _SEGMENT.fullmatch(file_name)
    if match is None or match["duration"] != "open":
        return None
    start_ms, fence = int(match["start"]), int(match["fence"])
    is_bounded = start_ms * NS_PER_MS < LATEST_NS and fence <= MAX_FENCE
    return (match["camera"], start_ms, fence) if is_bounded else None
