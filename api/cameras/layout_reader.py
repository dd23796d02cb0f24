"""The layouts of segments, wherever they are: on this machine, on other nodes, or in the object
store.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from api.access.api_context import ApiContext
from api.cameras.recording_blocks import SegmentKey
from api.cameras.segment_files import LocalSegments
from api.cameras.segment_locator import Located
from api.cameras.stored_layouts import StoredLayouts
from domain.errors import BadInput, SightlineError
from storage.recordings.cut_plan import CutPiece
from storage.recordings.ledger import parse_segment
from storage.recordings.virtual.layout_records import StoredRecord, read_record
from storage.recordings.virtual.timeline import LaidOutPiece, damaged_span

MOST_UNKNOWN_BYTES = 4 << 30
"""The most bytes of stored segments that are read for their layouts in one request."""
_log = logging.getLogger(__name__)


class LayoutReader:
    """Finds the layouts of segments of one camera. Thread-safe."""

    def __init__(self, context: ApiContext, local: LocalSegments) -> None:
        self._context = context
        self._local = local
        self._stored = StoredLayouts(context)

    def check(self, segments: Sequence[Located]) -> None:
        """Raise BadInput if too much must be read from the object store for these segments."""
        size_bytes = self._stored.unknown_bytes([one for one in segments if one.lease is None])
        if size_bytes > MOST_UNKNOWN_BYTES:
            raise BadInput(
                "the range has {size_gb} GB in the object store that were "
                "not read before, and one request reads at most "
                "{most_gb} GB; request it in parts",
                size_gb=round(size_bytes / 1000000000.0, 1),
                most_gb=round(MOST_UNKNOWN_BYTES / 1000000000.0, 1),
            )

    def read(self, segments: Sequence[Located]) -> dict[SegmentKey, StoredRecord]:
        """Return the layouts of segments. One that cannot be read is left out. Raises what the
        sources raise.
        """
        found = {one.key: record for one, record in self._local.records(segments)}
        elsewhere = [one for one in segments if one.key not in found]
        if not elsewhere:
            return found
        starts = [one.segment.start_ns for one in segments]
        span, camera_id = (min(starts), max(starts) + 1), segments[0].segment.camera_id
        for lease in dict.fromkeys(one.lease for one in elsewhere if one.lease is not None):
            records = self._context.node_client.layouts(
                lease.node_api_url, lease.node, camera_id, *span
            )
            mine = {one.key for one in elsewhere if one.lease == lease}
            by_key = ((_key_of(record), record) for record in records)
            found |= {key: record for key, record in by_key if key in mine}
        return found | self._stored.records([one for one in segments if one.lease is None])

    def damaged_span(self, one: Located, fragment: int) -> tuple[int, int]:
        """Return the times between which a segment lacks a fragment: all of it if its layout cannot
        be read again.
        """
        whole = CutPiece(one.segment, one.segment.start_ns, one.end_ns)
        try:
            layout = read_record(self.read([one])[one.key]).layout
        except (SightlineError, KeyError) as error:
            _log.warning("the damage of %s counts for all of it: %s", one.name, error)
            return whole.from_ns, whole.to_ns
        return damaged_span(LaidOutPiece(whole, layout), fragment)


def _key_of(record: StoredRecord) -> SegmentKey | None:
    segment = parse_segment(Path(record.name))
    return None if segment is None else (segment.start_ns, segment.fence)
