"""Makes clips from segments on this disk, as a worker does."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from storage.recordings.ledger import Segment
from storage.recordings.virtual.clip_sources import ClipSource, open_segments
from storage.recordings.virtual.clips import ClipFile, make_clip
from storage.recordings.virtual.layouts import RecordingIndex


def clip_of(
    segments: Sequence[Segment],
    from_ns: int,
    to_ns: int,
    out: Path,
    index: Path | None = None,
    damaged: list[int] | None = None,
) -> ClipFile:
    """Make a clip. `index` is the folder of the recording index, and `damaged` receives the numbers
    of damaged fragments.
    """

    def note(_: ClipSource, fragment: int) -> None:
        assert damaged is not None, f"fragment {fragment} is damaged"
        damaged.append(fragment)

    with ExitStack() as held:
        sources = open_segments(segments, RecordingIndex(index or out.parent / "none"), held)
        return make_clip(sources, from_ns, to_ns, out, note)
