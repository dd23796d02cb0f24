"""Alarms: the conditions that require action by a person.

Other conditions are metrics, camera states or lines in the log.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.messages.message import Message, with_parts
from domain.stored_model import StoredModel, WallNs


class AlarmName(StrEnum):
    # recordings younger than their minimum age are deleted, or none are left to delete
    DISK_FULL = "disk_full"
    # only recordings under legal hold are left to delete; recording is reduced and finally stops
    DISK_HELD = "disk_held"
    # the data folder is not writable (for example a read-only file system); recording has stopped
    DISK_UNWRITABLE = "disk_unwritable"
    # the audit log is near its limit; at the limit, access to evidence is refused
    AUDIT_FULL = "audit_full"
    # lines of the audit log have waited for minutes to be copied to the object store
    AUDIT_UNSHIPPED = "audit_unshipped"
    # lines of the audit log could not be sent to the syslog receiver for minutes
    AUDIT_SYSLOG = "audit_syslog"
    # cameras have not been live for several minutes
    CAMERAS_DOWN = "cameras_down"
    # passings are missed, because the node cannot analyse all of its checkpoints
    ANALYSIS_OVERLOADED = "analysis_overloaded"
    # the analysis of a checkpoint hangs or fails, so its passings are missed
    ANALYSIS_STOPPED = "analysis_stopped"
    # the file of the access policy has faults, so an earlier or the strictest policy is in force
    POLICY_INVALID = "policy_invalid"
    # emergency accesses wait for a review
    EMERGENCY_ACCESS = "emergency_access"
    # records of people in Redis are not authentic; they grant nothing
    PEOPLE_REFUSED = "people_refused"
    # many sign-ins of browsers fail: passwords may be tried out
    SIGN_INS_FAIL = "sign_ins_fail"
    # the object store has not responded, or has refused requests, for several minutes
    STORE_UNREACHABLE = "store_unreachable"
    # the object store responds, but has no space for recordings
    STORE_FULL = "store_full"
    # the object store is not the one that this site has used
    STORE_LOST = "store_lost"
    # Redis lost the index, including people and tokens
    INDEX_EMPTIED = "index_emptied"
    # Redis has not responded for several minutes
    INDEX_UNREACHABLE = "index_unreachable"
    # segments have waited for hours to be uploaded
    UPLOADS_BEHIND = "uploads_behind"
    # the clock of the node was set
    CLOCK_STEPPED = "clock_stepped"
    # stored files of events do not match their SHA-256
    EVIDENCE_DAMAGED = "evidence_damaged"
    # the record of a legal hold cannot be read, so retention deletes nothing
    HOLD_DAMAGED = "hold_damaged"
    # expired data cannot be deleted
    RETENTION_STOPPED = "retention_stopped"


class Alarm(StoredModel):
    """One alarm of one node. It is active as long as its cause."""

    name: Annotated[AlarmName | str, Field(union_mode="left_to_right")]
    """A name that this version does not know comes from a node with a newer version."""
    node: str
    since: WallNs
    sentence: str = Field(description="what is wrong and what to do")
    message: Message | None = Field(
        None, description="`sentence` as a template and its parts; null if it has no parts"
    )

    @classmethod
    def of(cls, name: AlarmName, node: str, since_ns: int, sentence: Message) -> Alarm:
        return cls(
            name=name,
            node=node,
            since=since_ns,
            sentence=str(sentence),
            message=with_parts(sentence),
        )

    def translated(self, messages: Callable[[Message], Message]) -> Alarm:
        """Return the alarm with its sentence as `messages` returns it."""
        message = messages(self.message or Message(self.sentence))
        return self.model_copy(update={"sentence": str(message), "message": message})
