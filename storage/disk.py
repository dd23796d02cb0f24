"""Keeps recordings within the disk they may take: the oldest give way first, and what a clip still needs last."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from itertools import islice

from domain.clock import Clock, rfc3339
from domain.errors import StoreError
from domain.log import FloodGate
from domain.metrics import SEGMENTS_EVICTED
from domain.settings import Settings
from storage.ledger import Ledger, Segment

BYTES_PER_GB = 10**9
Protected = Callable[[], list[tuple[str, int, int]]]
"""The ranges (camera, from_ns, to_ns) of which a clip is still to be cut."""
_WAITING = 1_000
_DIRE_PART = 10
"""A tenth of the reserve: below it events themselves could soon not be written."""
_log = logging.getLogger(__name__)


class DiskBound:
    """Deletes finished segments, oldest first by start whichever camera's, while recordings take too much or leave too little free."""

    def __init__(
        self, ledger: Ledger, settings: Settings, clock: Clock, protected: Protected, others_bytes: Callable[[], int] = lambda: 0
    ) -> None:
        """`others_bytes`: what else counts against the limit (on one machine the stores' own data); recordings make room for it."""
        self._ledger = ledger
        self._limit_bytes = round(settings.disk_limit_gb * BYTES_PER_GB)
        self._reserve_bytes = round(settings.disk_reserve_gb * BYTES_PER_GB)
        self._protected = protected
        self._others_bytes = others_bytes
        self._waiting: list[Segment] = []
        self._warn = FloodGate(_log.warning, clock)
        self._cry = FloodGate(_log.critical, clock)

    def run_once(self) -> int:
        """Free what is too much now; the bytes freed. A disk that refuses is said, and asked again at the next run.

        Cheap where nothing has to go: no file that was seen before is asked for again.
        """
        try:
            return self._free(self._excess_bytes())
        except (StoreError, OSError) as error:
            self._cry("refused", f"recordings cannot be kept within their limit: {error}")
            return 0

    def _free(self, excess_bytes: int) -> int:
        if excess_bytes <= 0:
            return 0
        freed_bytes = self._evict(self._unprotected(), excess_bytes, is_protected=False)
        if freed_bytes < excess_bytes and self._is_dire():
            freed_bytes += self._evict(self._ledger.oldest_first(), excess_bytes - freed_bytes, is_protected=True)
        if freed_bytes < excess_bytes:
            self._cry("full", f"the disk is too full by {excess_bytes - freed_bytes} bytes, and no finished recording is left to delete")
        return freed_bytes

    def _excess_bytes(self) -> int:
        over_bytes = self._over_bytes()
        self._ledger.recordings.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(self._ledger.recordings).free
        return max(over_bytes, self._reserve_bytes - free_bytes)

    def _is_dire(self) -> bool:
        """Whether what clips still need must go too. A reserve that somebody else's files have eaten into is no reason yet."""
        free_bytes = shutil.disk_usage(self._ledger.recordings).free
        return self._over_bytes() > 0 or free_bytes < self._reserve_bytes // _DIRE_PART

    def _over_bytes(self) -> int:
        return self._ledger.total_bytes() + self._others_bytes() - self._limit_bytes

    def _unprotected(self) -> Iterator[Segment]:
        ranges: dict[str, list[tuple[int, int]]] = {}
        for camera_id, from_ns, to_ns in self._protected():
            ranges.setdefault(camera_id, []).append((from_ns, to_ns))
        for segment in self._oldest_first():
            if not any(_touches(segment, *asked) for asked in ranges.get(segment.camera_id, ())):
                yield segment

    def _oldest_first(self) -> Iterator[Segment]:
        """As the ledger has them; the next to go are remembered, so that a full disk does not have all names read at each run."""
        still_there = [segment for segment in self._waiting if segment.path.exists()]
        self._waiting = still_there or list(islice(self._ledger.oldest_first(), _WAITING))
        yield from self._waiting
        yield from self._ledger.oldest_first()

    def _evict(self, segments: Iterator[Segment], wanted_bytes: int, is_protected: bool) -> int:
        freed_bytes = 0
        for segment in segments:
            if freed_bytes >= wanted_bytes:
                break
            size_bytes = self._ledger.remove(segment)
            if size_bytes:
                freed_bytes += size_bytes
                SEGMENTS_EVICTED.labels(segment.camera_id).inc()
                self._tell(segment, is_protected)
        return freed_bytes

    def _tell(self, segment: Segment, is_protected: bool) -> None:
        what = f"the recording of {segment.camera_id} from {rfc3339(segment.start_ns)}"
        if is_protected:
            self._cry("protected", f"disk full: {what} was deleted though a clip is still to be cut from it; give it more space")
        else:
            self._warn("evicted", f"disk limit reached: {what} was deleted")


def _touches(segment: Segment, from_ns: int, to_ns: int) -> bool:
    return segment.start_ns < to_ns and (segment.end_ns is None or segment.end_ns > from_ns)
