"""What a person must be told and do something about: a small set of names. All else is a
metric, a state or a line in the log.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from domain.stored_model import StoredModel, WallNs


class AlarmName(StrEnum):
    # recordings younger than their minimum are deleted to make room, or none are left to delete
    DISK_FULL = "disk_full"
    # only what legal holds name is left to delete: less is recorded, and in the end nothing
    DISK_HELD = "disk_held"
    # the data folder cannot be written, as on a read-only file system: nothing is recorded
    DISK_UNWRITABLE = "disk_unwritable"
    AUDIT_FULL = (
        "audit_full"  # the audit log is near its limit, or has reached it: then looks are refused
    )
    CAMERAS_DOWN = "cameras_down"  # cameras that should be live are not, for minutes
    STORE_UNREACHABLE = (
        "store_unreachable"  # the object store does not answer, or refuses, for minutes
    )
    STORE_FULL = "store_full"  # the object store answers, and takes no more recordings
    STORE_LOST = "store_lost"  # the object store is not the one that this site used
    INDEX_EMPTIED = "index_emptied"  # Redis lost the index, and people with it
    INDEX_UNREACHABLE = "index_unreachable"  # Redis does not answer for minutes
    UPLOADS_BEHIND = "uploads_behind"  # segments wait for hours to be uploaded
    CLOCK_STEPPED = "clock_stepped"  # the node's own clock was set
    EVIDENCE_DAMAGED = "evidence_damaged"  # stored files of events are not what their SHA-256 says
    HOLD_DAMAGED = (
        "hold_damaged"  # the record of a legal hold cannot be read: retention deletes nothing
    )
    RETENTION_STOPPED = "retention_stopped"  # what is too old cannot be deleted


class Alarm(StoredModel):
    """One alarm of one node, for as long as its cause lasts."""

    name: AlarmName | str
    """A name that this program does not know is one of a newer node."""
    node: str
    since: WallNs
    sentence: str = Field(description="what is wrong and what to do, for the person who reads it")
