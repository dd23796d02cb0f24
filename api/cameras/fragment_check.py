"""Compares fragments of recordings with their SHA-256 before they are sent.

A fragment is compared once for each version of its file. One that differs is recorded as damaged:
an alarm is raised, and no file has it until the segment's file is replaced.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence

from api.access.api_context import ApiContext
from api.cameras.segment_locator import Located
from domain.errors import DataLoss, IndexUnavailable
from domain.media.packets import SegmentName
from domain.metrics import OBJECTS_DAMAGED
from domain.paths.object_keys import segment_object

MOST_REMEMBERED = 50_000
"""The segments whose verified fragments a process remembers, about a week of one camera."""
_log = logging.getLogger(__name__)


class FragmentVerification:
    """The verified and the damaged fragments that a process knows. Thread-safe."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._verified: OrderedDict[str, set[int]] = OrderedDict()
        self._damaged: set[str] = set()
        """Also those that could not be recorded, because Redis did not respond."""

    def of(self, sources: Sequence[Located]) -> SegmentChecks:
        """Return the checks of the segments of a virtual file."""
        return SegmentChecks(self, sources)

    def damaged(self, segments: Sequence[Located]) -> dict[tuple[int, int], frozenset[int]]:
        """Return the numbers of the damaged fragments of segments that have any."""
        with self._lock:
            known = set(self._damaged)
        try:
            known |= set(self._context.damaged.all())
        except IndexUnavailable as error:
            _log.warning("damaged fragments that others found are not known: %s", error)
        numbers: dict[str, set[int]] = {}
        for text in known:
            state, _, number = text.rpartition("#")
            if state and number.isdecimal():
                numbers.setdefault(state, set()).add(int(number))
        return {
            one.key: frozenset(numbers[state])
            for one in segments
            if (state := _state(one)) in numbers
        }

    def is_verified(self, one: Located, fragment: int) -> bool:
        with self._lock:
            return fragment in self._verified.get(_state(one), ())

    def check(self, one: Located, fragment: int, data: bytes, sha256: bytes) -> None:
        """Compare a fragment with its hash. Raises DataLoss, after the damage is recorded."""
        state = _state(one)
        if hashlib.sha256(data).digest() == sha256:
            with self._lock:
                self._verified.setdefault(state, set()).add(fragment)
                self._verified.move_to_end(state)
                if len(self._verified) > MOST_REMEMBERED:
                    self._verified.popitem(last=False)
            return
        OBJECTS_DAMAGED.labels("recording").inc()
        with self._lock:
            self._damaged.add(f"{state}#{fragment}")
        try:
            self._context.damaged.add(f"{state}#{fragment}")
        except IndexUnavailable as error:
            _log.error("the damage of %s cannot be recorded: %s", one.name, error)
        loss = f"fragment {fragment} of {one.name} differs from its SHA-256 and is not sent"
        _log.critical("%s; compare the disk, and who can write to it", loss)
        raise DataLoss(loss)


class SegmentChecks:
    """The checks of the segments of one virtual file, by their numbers in it."""

    def __init__(self, verification: FragmentVerification, sources: Sequence[Located]) -> None:
        self._verification = verification
        self._sources = sources

    def is_verified(self, segment: int, fragment: int) -> bool:
        return self._verification.is_verified(self._sources[segment], fragment)

    def check(self, segment: int, fragment: int, data: bytes, sha256: bytes) -> None:
        self._verification.check(self._sources[segment], fragment, data, sha256)


def _state(one: Located) -> str:
    """Return the key of a segment and the version of its file: a replaced file is compared
    again.
    """
    name, version = SegmentName.parse(one.name), one.version
    key = one.name if name is None else segment_object(name)
    return f"{key}@{version.size_bytes}-{version.modified_ns}-{version.inode}"
