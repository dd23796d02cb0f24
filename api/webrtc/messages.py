"""The messages between an API process and the media process, over one Unix socket. Pure.

A message has 4 bytes of length (big endian), 1 byte of kind, and the content. `J` is JSON, `R` has
4 bytes with the number of a stream and then records of `api/nodes/live_wire.py`.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.requests.problems import APPROVAL_REQUIRED, ErrorRecord
from domain.errors import ApprovalRequired, SightlineError, StoreError
from domain.media.live_stream import LiveStreamName

_HEAD = struct.Struct(">Ic")
_STREAM = struct.Struct(">I")
_JSON, _RECORDS = b"J", b"R"
MAX_BYTES = 64 << 20


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OpenSession(_Message):
    """Opens the session of a viewer. It is answered with a `Reply`."""

    type: Literal["open"] = "open"
    session: str
    owner: str
    """The person; only the same person may change or end the session."""
    camera: str
    stream: int
    sound: int | None = None
    """The stream of the sound; None for a viewer without."""
    has_substream: bool
    offer: str
    hosts: tuple[str, ...]
    """The addresses at which viewers reach the media process."""


class OpenStream(_Message):
    """Announces a stream, whose records follow."""

    type: Literal["stream"] = "stream"
    stream: int
    camera: str
    name: LiveStreamName


class CloseStream(_Message):
    """The records of a stream have ended: no session needs it any more."""

    type: Literal["close_stream"] = "close_stream"
    stream: int


class MoveSession(_Message):
    """Continues a session with another stream."""

    type: Literal["move"] = "move"
    session: str
    stream: int


class CloseSession(_Message):
    """Ends a session of the same connection."""

    type: Literal["close"] = "close"
    session: str
    problem: ErrorRecord | None = None
    """Why this site ends it; None if the viewer has left."""


class ChangeSession(_Message):
    """Restarts ICE of any session, or ends it. It is answered with a `Reply`.

    The session may belong to another API process.
    """

    type: Literal["change"] = "change"
    request: str
    session: str
    owner: str
    camera: str
    fragment: str | None = None
    """The body of a PATCH; None to end the session."""
    tag: str | None = None
    """The ETag that the client expects; None for any."""


class ReadSession(_Message):
    """Asks for the state of any session. It is answered with a `Reply`."""

    type: Literal["read"] = "read"
    request: str
    session: str
    owner: str
    camera: str


class SessionState(_Message):
    """What a viewer is sent, or why its session ended."""

    is_sub: bool
    is_reduced: bool
    """Whether it is sent the sub-stream because its path is too narrow for the main stream."""
    skipped: int
    """How many pictures it was not sent, because it was too slow."""
    sound_problem: ErrorRecord | None = None
    """Why a viewer who requested sound is sent none."""
    problem: ErrorRecord | None = None
    """Why this site ended it; None while it continues."""


class Reply(_Message):
    """The reply to an `OpenSession`, by its session, or to another message, by its request."""

    type: Literal["reply"] = "reply"
    request: str
    problem: ErrorRecord | None = None
    """Why the request failed."""
    text: str = ""
    """The SDP, or the fragment of it, that answers the request."""
    tag: str = ""
    """The ETag of the session."""
    state: SessionState | None = None
    """What a `ReadSession` asked for."""

    @property
    def error(self) -> SightlineError | None:
        return error_of(self.problem) if self.problem else None


class SessionEnded(_Message):
    """A session has ended by itself."""

    type: Literal["ended"] = "ended"
    session: str
    problem: ErrorRecord | None
    """Why this site ended it; None if the viewer left."""


class SessionWish(_Message):
    """The viewer cannot keep up with the main stream, or can again: its API process may continue
    with the other stream.
    """

    type: Literal["wish"] = "wish"
    session: str
    is_sub: bool


class SessionMoved(_Message):
    """The viewer receives the stream of the last `MoveSession`."""

    type: Literal["moved"] = "moved"
    session: str


ToMedia = (
    OpenSession
    | OpenStream
    | CloseStream
    | MoveSession
    | CloseSession
    | ChangeSession
    | ReadSession
)
ToApi = Reply | SessionEnded | SessionWish | SessionMoved
Message = ToMedia | ToApi
_MESSAGES: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


def error_of(record: ErrorRecord) -> SightlineError:
    if record.kind == APPROVAL_REQUIRED.name:
        return ApprovalRequired(record.message or record.detail)
    return record.error(StoreError)


def reply_with(request: str, error: SightlineError) -> Reply:
    return Reply(request=request, problem=ErrorRecord.of(error))


def written(message: Message) -> bytes:
    content = message.model_dump_json().encode()
    return _HEAD.pack(len(content), _JSON) + content


def written_records(stream: int, records: bytes) -> bytes:
    head = _HEAD.pack(_STREAM.size + len(records), _RECORDS)
    return b"".join((head, _STREAM.pack(stream), records))


async def read_message(reader: asyncio.StreamReader) -> Message | tuple[int, bytes]:
    """Return the next message, or the number of a stream and records of it.

    Raises EOFError at the end, and StoreError if the other process sends something else.
    """
    size_bytes, kind = _HEAD.unpack(await reader.readexactly(_HEAD.size))
    if size_bytes > MAX_BYTES:
        raise StoreError("a message between API and media process is too large")
    content = await reader.readexactly(size_bytes)
    if kind == _RECORDS and size_bytes >= _STREAM.size:
        return _STREAM.unpack_from(content)[0], content[_STREAM.size :]
    try:
        return _MESSAGES.validate_json(content)
    except ValidationError as error:
        raise StoreError("API and media process are of different versions") from error
