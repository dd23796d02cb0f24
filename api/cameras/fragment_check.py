"""Compares fragments of recordings with their SHA-256 before they are sent.

A fragment is compared once for each version of its file. One that differs is recorded as damaged:
an alarm is raised, it is a gap of the coverage, and no file has it until the segment's file is
replaced.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from api.access.api_context import ApiContext
from api.cameras.segment_locator import Located, state_of
from domain.errors import DataLoss, IndexUnavailable
from domain.messages.message import Message
from domain.recordings.recording_metrics import OBJECTS_DAMAGED
from storage.recordings.damaged_fragments import DamagedFragment

MOST_REMEMBERED = 50_000
"""The segments whose verified fragments a process remembers, about a week of one camera."""
_log = logging.getLogger(__name__)


class FragmentVerification:
    """The verified and the damaged fragments that a process knows. Thread-safe."""

    def __init__(
        self, context: ApiContext, span_of: Callable[[Located, int], tuple[int, int]]
    ) -> None:
        """Call `span_of` for the times between which a segment lacks one of its fragments."""
        self._context = context
        self._span_of = span_of
        self._lock = threading.Lock()
        self._verified: OrderedDict[str, set[int]] = OrderedDict()
        self._unrecorded: dict[DamagedFragment, str] = {}
        """The damaged fragments that wait to be recorded, because Redis did not respond, and their
        cameras.
        """

    def of(self, sources: Sequence[Located]) -> SegmentChecks:
        """Return the checks of the segments of a virtual file."""
        return SegmentChecks(self, sources)

    def damaged(self, segments: Sequence[Located]) -> dict[tuple[int, int], frozenset[int]]:
        """Return the numbers of the damaged fragments of segments that have any."""
        numbers: dict[str, set[int]] = {}
        for camera_id in dict.fromkeys(one.segment.camera_id for one in segments):
            for found in self._damaged_of(camera_id):
                numbers.setdefault(found.state, set()).add(found.number)
        if not numbers:  # mostly; the states of a day take a tenth of a second
            return {}
        return {
            one.key: frozenset(numbers[state])
            for one in segments
            if (state := state_of(one)) in numbers
        }

    def is_verified(self, one: Located, fragment: int) -> bool:
        with self._lock:
            return fragment in self._verified.get(state_of(one), ())

    def check(self, one: Located, fragment: int, found_sha256: bytes, sha256: bytes) -> None:
        """Compare the SHA-256 of what was read of a fragment with its hash. Raises DataLoss, after
        the damage is recorded.
        """
        state = state_of(one)
        if found_sha256 == sha256:
            with self._lock:
                self._verified.setdefault(state, set()).add(fragment)
                self._verified.move_to_end(state)
                if len(self._verified) > MOST_REMEMBERED:
                    self._verified.popitem(last=False)
            return
        OBJECTS_DAMAGED.labels("recording").inc()
        found = DamagedFragment(state, fragment, *self._span_of(one, fragment))
        with self._lock:
            self._unrecorded[found] = one.segment.camera_id
        try:
            self._record()
        except IndexUnavailable as error:
            _log.error("the damage of %s waits to be recorded: %s", one.name, error)
        loss = Message(
            "fragment {fragment} of {segment} differs from its SHA-256 and is not sent",
            fragment=fragment,
            segment=one.name,
        )
        _log.critical("%s; compare the disk, and who can write to it", loss)
        raise DataLoss(loss)

    def _damaged_of(self, camera_id: str) -> list[DamagedFragment]:
        try:
            self._record()
            return self._context.damaged_fragments.of(camera_id)
        except IndexUnavailable as error:
            _log.warning("damaged fragments that others found are not known: %s", error)
            with self._lock:
                return [found for found, camera in self._unrecorded.items() if camera == camera_id]

    def _record(self) -> None:
        """Record what waits. Raises IndexUnavailable; the next call continues."""
        with self._lock:
            waiting = list(self._unrecorded.items())
        for found, camera_id in waiting:
            self._context.damaged_fragments.add(camera_id, found)
            self._context.damaged.add(f"{found.state}#{found.number}")
            with self._lock:
                self._unrecorded.pop(found, None)


class SegmentChecks:
    """The checks of the segments of one virtual file, by their numbers in it."""

    def __init__(self, verification: FragmentVerification, sources: Sequence[Located]) -> None:
        self._verification = verification
        self._sources = sources

    def is_verified(self, segment: int, fragment: int) -> bool:
        return self._verification.is_verified(self._sources[segment], fragment)

    def check(self, segment: int, fragment: int, found: bytes, sha256: bytes) -> None:
        self._verification.check(self._sources[segment], fragment, found, sha256)
