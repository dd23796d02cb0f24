"""The format in which a node sends a live stream to the API, as the body of one response. Pure.

The body is a sequence of records: 4 bytes of length (big endian), 1 byte of kind, and the content.
`I` is an initialisation segment with its facts, before the first fragment that needs it; `F` a
fragment, of one picture or one unit of sound, with fixed fields and data; `A` says that the node is
alive; `E` is the error that ended the stream.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError

from api.requests.problems import ErrorRecord
from domain.errors import NodeOffline, SightlineError
from domain.media.live_stream import LiveFragment, LiveInit
from domain.media.packets import WallSource

_HEAD = struct.Struct(">Ic")
_FIELDS = struct.Struct(">??qqq")
_FACTS_BYTES = struct.Struct(">I")
MAX_RECORD_BYTES = 64 << 20
_INIT, _FRAGMENT, _ALIVE, _ERROR = b"I", b"F", b"A", b"E"


class _Facts(BaseModel):
    model_config = ConfigDict(extra="ignore")

    mime: str
    codec: str
    width_px: int
    height_px: int
    clock_hz: int = 0
    channels: int = 0


def alive_record() -> bytes:
    return _record(_ALIVE, b"")


def error_record(error: SightlineError) -> bytes:
    return _record(_ERROR, ErrorRecord.of(error).model_dump_json().encode())


class LiveWriter:
    """Writes the records of one stream. It remembers which initialisation segment was sent."""

    def __init__(self) -> None:
        self._init: LiveInit | None = None

    def records(self, fragments: Iterable[LiveFragment]) -> bytes:
        pieces: list[bytes] = []
        for one in fragments:
            if one.init is not self._init:
                self._init = one.init
                pieces.append(_init_record(one.init))
            is_sender = one.wall_source is WallSource.SENDER
            times = (one.media_ns, one.wall_ns, one.received_ns)
            fields = _FIELDS.pack(one.is_keyframe, is_sender, *times)
            pieces += (_HEAD.pack(len(fields) + len(one.data), _FRAGMENT), fields, one.data)
        return b"".join(pieces)


class LiveReader:
    """Parses the records of one stream, which arrive in chunks of any size."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._received = bytearray()
        self._init: LiveInit | None = None

    def feed(self, chunk: bytes) -> list[LiveFragment]:
        """Return the fragments that are complete now.

        Raises the error with which the node ended the stream, and NodeOffline if the chunks are
        not of this format.
        """
        self._received += chunk
        fragments: list[LiveFragment] = []
        at = 0
        while at + _HEAD.size <= len(self._received):
            size_bytes, kind = _HEAD.unpack_from(self._received, at)
            if size_bytes > MAX_RECORD_BYTES:
                raise self._wrong_format()
            body = at + _HEAD.size
            if body + size_bytes > len(self._received):
                break
            content = bytes(self._received[body : body + size_bytes])
            at = body + size_bytes
            if kind == _FRAGMENT:
                fragments.append(self._fragment(content))
            elif kind == _INIT:
                self._init = self._parse_init(content)
            elif kind == _ERROR:
                raise self._error(content)
        del self._received[:at]
        return fragments

    def _fragment(self, content: bytes) -> LiveFragment:
        if self._init is None or len(content) < _FIELDS.size:
            raise self._wrong_format()
        is_keyframe, is_sender, media_ns, wall_ns, received_ns = _FIELDS.unpack_from(content)
        source = WallSource.SENDER if is_sender else WallSource.RECEIVER
        data = content[_FIELDS.size :]
        return LiveFragment(self._init, data, is_keyframe, media_ns, wall_ns, source, received_ns)

    def _parse_init(self, content: bytes) -> LiveInit:
        try:
            (size_bytes,) = _FACTS_BYTES.unpack_from(content)
            end = _FACTS_BYTES.size + size_bytes
            facts = _Facts.model_validate_json(content[_FACTS_BYTES.size : end])
        except (struct.error, ValidationError) as error:
            raise self._wrong_format() from error
        return LiveInit(
            facts.mime,
            facts.codec,
            facts.width_px,
            facts.height_px,
            content[end:],
            facts.clock_hz,
            facts.channels,
        )

    def _error(self, content: bytes) -> SightlineError:
        try:
            ended = ErrorRecord.model_validate_json(content)
        except ValidationError:
            return self._wrong_format()
        return ended.error(NodeOffline)

    def _wrong_format(self) -> NodeOffline:
        return NodeOffline(
            "{node}, the node that holds this camera, sends live video in "
            "another form; is it of another version?",
            node=self._node,
        )


def _record(kind: bytes, content: bytes) -> bytes:
    return _HEAD.pack(len(content), kind) + content


def _init_record(init: LiveInit) -> bytes:
    facts = _Facts(
        mime=init.mime,
        codec=init.codec,
        width_px=init.width_px,
        height_px=init.height_px,
        clock_hz=init.clock_hz,
        channels=init.channels,
    )
    text = facts.model_dump_json().encode()
    return _record(_INIT, _FACTS_BYTES.pack(len(text)) + text + init.data)
