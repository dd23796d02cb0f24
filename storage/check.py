"""Proves the invariants of storage, or says where they are broken: docs/storage.md numbers them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from domain.clock import SystemClock
from domain.errors import DataLoss
from domain.events import Event, ObjectDigest, Sidecar
from domain.keys import CLIP, EVENTS_PREFIX, SIDECAR
from domain.layout import Layout
from storage.clips import verify
from storage.index import EventIndex
from storage.journal import Journal, JournalPart, covered, stored_keys, stored_part
from storage.people import People
from storage.redis_door import Redis
from storage.s3 import ObjectStat, ObjectStore
from storage.spool import Spool

_PAGE = 500


class Breach(StrEnum):
    INDEX_WITHOUT_OBJECTS = "index_without_objects"
    OBJECTS_WITHOUT_INDEX = "objects_without_index"
    OBJECTS_WITHOUT_SIDECAR = "objects_without_sidecar"
    INDEX_DIFFERS = "index_differs"
    OBJECT_MISSING = "object_missing"
    OBJECT_DIFFERS = "object_differs"
    CLIP_WITHOUT_EVENT = "clip_without_event"
    SIDECAR_DAMAGED = "sidecar_damaged"
    NOT_JOURNALED = "not_journaled"
    JOURNAL_DAMAGED = "journal_damaged"
    PERSON_NOT_RESTORED = "person_not_restored"
    PERSON_DAMAGED = "person_damaged"
    SPOOL_DAMAGED = "spool_damaged"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One breach of an invariant: of which event, key or person, and what is wrong in a sentence."""

    breach: Breach
    subject: str
    message: str


def check(
    objects: ObjectStore,
    redis: Redis,
    layout: Layout | None = None,
    deep: bool = False,
    progress: Callable[[int], None] | None = None,
) -> list[Finding]:
    """Every breach there is; empty when clean. Entries in this node's spool are on their way, and no breach.

    Clips are read to compare their SHA-256; `deep` also opens each and looks for its event in it. Where something is found, all is
    looked at once more, and only what both saw is told: on a running system the rest was on its way. `progress` hears of events done.
    """
    first = _Check(objects, redis, layout, deep, progress).run()
    if not first:
        return []
    again = set(_Check(objects, redis, layout, deep, progress).run())
    return sorted(finding for finding in first if finding in again)


class _Check:
    def __init__(
        self, objects: ObjectStore, redis: Redis, layout: Layout | None, deep: bool, progress: Callable[[int], None] | None
    ) -> None:
        self._objects = objects
        self._index = EventIndex(redis)
        self._people = People(redis, objects)
        self._layout = layout
        self._deep = deep
        self._progress = progress or (lambda done: None)

    def run(self) -> list[Finding]:
        return [*self._spool(), *self._journals(), *self._events(), *self._persons()]
