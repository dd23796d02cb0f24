"""Every exception that Sightline raises, as one tree.

SightlineError
├── BadInput                a person's file, argument or query is wrong; says where and what to do
│   ├── RegistryInvalid     camera_registry.yaml has faults (all of them, with their places)
│   └── QueryInvalid        a search cannot be understood
├── Refused                 understood, and not allowed
│   ├── Unauthenticated     no token, or one that nobody has
│   ├── Forbidden           the person lacks the right or the scope
│   │   └── ReasonMissing   the person may look, and has not said why
│   ├── CorrectionConflict  somebody else corrected the event meanwhile
│   └── TriggerRefused      the camera takes no triggers from there
├── NotFound                no such camera, event or object
├── SourceError             a camera's stream failed; `state` says how, in an operator's word
│   ├── SourceUnreachable   no connection, or it ended
│   ├── SourceTimeout       connected, then silent
│   ├── SourceRejected      wrong user name or password
│   ├── SourceNoVideo       a stream without video
│   └── SourceUnsupported   a codec that is not recorded
├── StoreError              something that outlives a process failed
│   ├── IndexUnavailable    Redis cannot be reached, or refuses
│   ├── ObjectsUnavailable  the object store cannot be reached, or refuses
│   │   └── ObjectsFull     it answers, and takes nothing more: as a store without space does
│   ├── AuditUnavailable    a look or a change cannot be written down, so it is refused
│   │   └── AuditFull       the audit log has reached its limit
│   ├── NodeOffline         the node that has the answer is down
│   ├── RecordConflict      another process wrote the same version of a record; read it again
│   └── DataLoss            stored data is damaged, or is not what its hash says
│       └── NewerRecord     a newer version of Sightline wrote it
└── InstanceBusy            another process runs on this data folder

Foreign errors are turned into these at the one door of their library, with `raise ... from`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.camera_states import CameraState, Why


class SightlineError(Exception):
    """The root; `str(error)` is a plain sentence for the person who reads it."""


class BadInput(SightlineError):
    pass


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a file: 1-based line and column, what is wrong, and what to do about it."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{hint}"


class RegistryInvalid(BadInput):
    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class QueryInvalid(BadInput):
    """`field` names the parameter of the query that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class Refused(SightlineError):
    pass


class Unauthenticated(Refused):
    pass


class Forbidden(Refused):
    pass


class ReasonMissing(Forbidden):
    pass


class CorrectionConflict(Refused):
    pass


class TriggerRefused(Refused):
    pass


class NotFound(SightlineError):
    pass


class SourceError(SightlineError):
    """`state` and `why` say how in an operator's words; a subclass knows the likeliest `why`."""

    state: ClassVar[CameraState] = CameraState.UNREACHABLE
    usual: ClassVar[Why] = Why.FAILED

    def __init__(self, message: str, why: Why | None = None) -> None:
        super().__init__(message)
        self.why = why or self.usual


class SourceUnreachable(SourceError):
    pass


class SourceTimeout(SourceError):
    usual = Why.SILENT


class SourceRejected(SourceError):
    state = CameraState.WRONG_PASSWORD
    usual = Why.LOGIN


class SourceNoVideo(SourceError):
    state = CameraState.NO_VIDEO
    usual = Why.NO_VIDEO


class SourceUnsupported(SourceError):
    state = CameraState.CODEC_UNSUPPORTED
    usual = Why.CODEC


class StoreError(SightlineError):
    pass


class IndexUnavailable(StoreError):
    pass


class ObjectsUnavailable(StoreError):
    pass


class ObjectsFull(ObjectsUnavailable):
    pass


class AuditUnavailable(StoreError):
    pass


class AuditFull(AuditUnavailable):
    pass


class NodeOffline(StoreError):
    """`node` names the one that did not answer, where it was one."""

    def __init__(self, message: str, node: str = "") -> None:
        super().__init__(message)
        self.node = node


class RecordConflict(StoreError):
    pass


class DataLoss(StoreError):
    pass


class NewerRecord(DataLoss):
    pass


class InstanceBusy(SightlineError):
    pass
