"""The findings of a check of storage: which invariant is violated, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Breach(StrEnum):
    INDEX_WITHOUT_OBJECTS = "index_without_objects"
    OBJECTS_WITHOUT_INDEX = "objects_without_index"
    OBJECTS_WITHOUT_SIDECAR = "objects_without_sidecar"
    INDEX_DIFFERS = "index_differs"
    INDEX_DAMAGED = "index_damaged"
    OBJECT_MISSING = "object_missing"
    OBJECT_DIFFERS = "object_differs"
    CLIP_WITHOUT_EVENT = "clip_without_event"
    SIDECAR_DAMAGED = "sidecar_damaged"
    NOT_JOURNALED = "not_journaled"
    JOURNAL_DAMAGED = "journal_damaged"
    DELETION_UNFINISHED = "deletion_unfinished"
    TOO_OLD = "too_old"
    HELD_MISSING = "held_missing"
    HOLD_DAMAGED = "hold_damaged"
    CORRECTION_DAMAGED = "correction_damaged"
    PERSON_NOT_RESTORED = "person_not_restored"
    PERSON_DAMAGED = "person_damaged"
    WATCH_NOT_RESTORED = "watch_not_restored"
    WATCH_DAMAGED = "watch_damaged"
    REGISTRY_DAMAGED = "registry_damaged"
    FOREIGN_OBJECT = "foreign_object"
    SPOOL_DAMAGED = "spool_damaged"
    SEGMENT_DAMAGED = "segment_damaged"
    SEGMENT_DIFFERS = "segment_differs"
    LAYOUT_DIFFERS = "layout_differs"
    SEGMENTS_OVERLAP = "segments_overlap"
    HOLE_UNEXPLAINED = "hole_unexplained"
    GAP_RECORDED = "gap_recorded"
    GAP_LOG_DAMAGED = "gap_log_damaged"
    ARCHIVE_DAMAGED = "archive_damaged"
    ARCHIVE_DIFFERS = "archive_differs"
    ARCHIVE_UNNAMED = "archive_unnamed"
    STORE_LOST = "store_lost"
    INDEX_EMPTIED = "index_emptied"
    PERSON_LOST = "person_lost"
    HOLD_LOST = "hold_lost"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One violation: its event, key or person, and what is wrong in a sentence."""

    breach: Breach
    subject: str
    message: str
