"""Every exception that Sightline raises, as one tree.

SightlineError
├── BadInput                a file, argument or query is invalid; says how to correct it
│   ├── RegistryInvalid     camera_registry.yaml has faults; lists them with positions
│   ├── PolicyInvalid       the policy file has faults; lists them with positions
│   ├── QueryInvalid        a parameter of a query is invalid
│   ├── RecordExists        the name or the number of a new record is in use
│   ├── AddressTooLong      the address of a request has too many bytes
│   ├── HeadersTooLarge     the headers of a request are too many or have too many bytes
│   ├── BodyTooLarge        the body of a request has too many bytes
│   ├── BodyTooSlow         the body of a request did not arrive in time
│   ├── UnsupportedMedia    the body of a request is not declared as JSON
│   └── UpgradeRequired     the route answers a WebSocket handshake only
├── Refused                 the request is valid, but not permitted
│   ├── Unauthenticated     the token or the session is missing or unknown
│   │   └── SignInFailed    the name, the password or the code is wrong
│   ├── SignInRefused       the identity provider, or the check of its answer, refused the person
│   ├── Forbidden           the person does not have the right or the scope
│   │   ├── ReasonMissing   the person may access it, but gave no reason
│   │   ├── CaseRequired    the access policy demands an open case
│   │   ├── ApprovalRequired  the access policy demands the approval of a second person
│   │   └── SecondPersonRequired  another person must do this
│   ├── RateLimited         the client or the person sends too many requests
│   ├── CorrectionConflict  another request corrected the event first
│   ├── KeyBusy             the first request with an idempotency key has not ended
│   ├── KeyReused           another request has had the idempotency key
│   ├── RecordChanged       the record has another version than the request expects
│   ├── RecordEnded         the hold or the watch has ended, so it cannot be changed
│   ├── ExportNotReady      the recordings of the export are still being read
│   ├── ExportGone          the export failed or has ended, or its recordings changed
│   └── TriggerRefused      the camera does not accept triggers from this source
├── Cancelled               a long piece of work was stopped before its end
├── NotFound                the camera, event or object does not exist
├── SourceError             the stream of a camera failed; `state` is the resulting camera state
│   ├── SourceUnreachable   the connection failed or ended
│   ├── SourceTimeout       the camera is connected but sends nothing
│   ├── SourceRejected      the camera rejected the user name or password
│   ├── SourceNoVideo       the stream has no video
│   └── SourceUnsupported   the codec is not supported
├── StoreError              a store or other durable service failed
│   ├── IndexUnavailable    Redis does not respond or refuses the command
│   ├── ObjectsUnavailable  the object store does not respond or refuses the request
│   │   └── ObjectsFull     the object store responds but has no free space
│   ├── AuditUnavailable    an access or change cannot be logged, so it is refused
│   │   └── AuditFull       the audit log has reached its limit
│   ├── NodeOffline         the node that has the data is unavailable
│   ├── ProviderUnavailable the identity provider does not answer, or refuses this site
│   │   └── ProviderError   it answers, but not whether the person may sign in
│   ├── RecordConflict      another process wrote this version of the record; read it again
│   └── DataLoss            stored data is damaged or does not match its hash
│       └── NewerRecord     a newer version of Sightline wrote it
└── InstanceBusy            another process uses this data folder

The adapter module of each third-party library converts its errors to these with `raise ... from`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from domain.camera_states import CameraState, Why
from domain.messages.message import NO_MESSAGE, Message, Part


class SightlineError(Exception):
    """The base class. `message` is a sentence for the user, which `str(error)` returns.

    It is raised with a template and its parts: `NotFound("there is no event {event}", event=id)`.
    """

    def __init__(self, template: str, /, **parts: Part) -> None:
        self.message = Message(template, **parts)
        super().__init__(self.message)


class BadInput(SightlineError):
    pass


class Cancelled(SightlineError):
    pass


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a file: 1-based line and column, the error, and how to correct it."""

    file: str
    line: int
    column: int
    message: Message
    hint: Message = NO_MESSAGE

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> Message:
        """The whole fault as one message, which begins with its place."""
        place = f"{self.file}:{self.line}:{self.column}"
        if not self.hint:
            return Message("{place}: {fault}", place=place, fault=self.message)
        return Message("{place}: {fault} ({hint})", place=place, fault=self.message, hint=self.hint)


class RegistryInvalid(BadInput):
    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class PolicyInvalid(BadInput):
    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class QueryInvalid(BadInput):
    """`field` is the name of the invalid parameter."""

    def __init__(self, field: str, template: str, /, **parts: Part) -> None:
        super().__init__("{field}: {fault}", field=field, fault=Message(template, **parts))
        self.field = field


class RecordExists(BadInput):
    pass


class AddressTooLong(BadInput):
    pass


class HeadersTooLarge(BadInput):
    pass


class BodyTooLarge(BadInput):
    pass


class BodyTooSlow(BadInput):
    pass


class UnsupportedMedia(BadInput):
    pass


class UpgradeRequired(BadInput):
    pass


class Refused(SightlineError):
    pass


class Unauthenticated(Refused):
    pass


class SignInFailed(Unauthenticated):
    pass


class SignInRefused(Refused):
    pass


class Forbidden(Refused):
    pass


class ReasonMissing(Forbidden):
    pass


class CaseRequired(Forbidden):
    pass


class ApprovalRequired(Forbidden):
    """`call` and `terms` are what a request for the approval has to name."""

    def __init__(
        self,
        template: str,
        /,
        call: str = "",
        terms: Mapping[str, str] | None = None,
        **parts: Part,
    ) -> None:
        super().__init__(template, **parts)
        self.call = call
        self.terms = dict(terms or {})


class SecondPersonRequired(Forbidden):
    pass


class RateLimited(Refused):
    """`retry_after_s` is the time after which the request may succeed."""

    def __init__(self, template: str, /, retry_after_s: float, **parts: Part) -> None:
        super().__init__(template, **parts)
        self.retry_after_s = retry_after_s


class CorrectionConflict(Refused):
    pass


class KeyBusy(Refused):
    pass


class KeyReused(Refused):
    pass


class RecordChanged(Refused):
    pass


class RecordEnded(Refused):
    pass


class ExportNotReady(Refused):
    pass


class ExportGone(Refused):
    pass


class TriggerRefused(Refused):
    pass


class NotFound(SightlineError):
    pass


class SourceError(SightlineError):
    """`state` and `why` describe the failure for operators; `usual` is the default of `why`."""

    state: ClassVar[CameraState] = CameraState.UNREACHABLE
    usual: ClassVar[Why] = Why.FAILED

    def __init__(self, template: str, /, why: Why | None = None, **parts: Part) -> None:
        super().__init__(template, **parts)
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
    """`node` is the name of the node that did not respond, or empty if it is not one node. It is
    also the part `node` of a template that names it.
    """

    def __init__(self, template: str, /, node: str = "", **parts: Part) -> None:
        super().__init__(template, **(parts | {"node": node} if "{node}" in template else parts))
        self.node = node


class ProviderUnavailable(StoreError):
    pass


class ProviderError(ProviderUnavailable):
    pass


class RecordConflict(StoreError):
    pass


class DataLoss(StoreError):
    pass


class NewerRecord(DataLoss):
    pass


class InstanceBusy(SightlineError):
    pass
