"""Answers with a file whose length and ETag are known: whole, or in byte ranges (RFC 9110, 14)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from fastapi import Request
from starlette.responses import Response

from api.requests.byte_ranges import MOST_RANGES, ByteRange, multipart, range_of, select_parts
from api.requests.conditions import is_unchanged, not_modified
from api.requests.problems import RANGE_NOT_SATISFIABLE, problem_response
from api.requests.request_trace import Trace
from api.requests.streams import TOGETHER_BYTES, HeldStream
from domain.messages.message import Message
from storage.recordings.file_reader import Chunk

Contents = Sequence[bytes | ByteRange]
"""What a body consists of: bytes, and ranges of the file."""


@dataclass(frozen=True, slots=True)
class RangedFile:
    """A file that is read in ranges."""

    noun: Message
    """What it is, for a sentence: `the recording`."""
    media_type: str
    size_bytes: int
    etag: str
    read: Callable[[Contents], Generator[Chunk]]
    """Yields the bytes of a body."""
    headers: Callable[[], Mapping[str, str]]
    """Computes the further headers of a success."""

    @property
    def whole(self) -> ByteRange:
        return ByteRange(0, self.size_bytes - 1, self.size_bytes)


@dataclass(frozen=True, slots=True)
class WantedRanges:
    """What the headers of a request want of a file."""

    range: str | None
    if_range: str | None
    if_none_match: str | None


def ranged_response(
    request: Request, trace: Trace, file: RangedFile, wanted: WantedRanges
) -> Response:
    """Return the response to a GET or a HEAD. The first bytes of a body are read before it starts,
    and what reading them raises is raised.
    """
    if is_unchanged(wanted.if_none_match, file.etag):
        return not_modified(file.etag)
    wanted_range = range_of(request.method, wanted.range)
    parts = select_parts(wanted_range, wanted.if_range, file.etag, file.size_bytes)
    if parts == "outside":
        message = Message(
            "{file} is {size_bytes} bytes long, and a request has at most {most_ranges} ranges",
            file=file.noun,
            size_bytes=file.size_bytes,
            most_ranges=MOST_RANGES,
        )
        headers = {"Content-Range": f"bytes */{file.size_bytes}"}
        return problem_response(
            RANGE_NOT_SATISFIABLE, message, trace.request_id, field="Range", headers=headers
        )
    headers = {"ETag": file.etag, "Accept-Ranges": "bytes", **file.headers()}
    chosen = [file.whole] if parts == "whole" else parts
    media_type, contents = (
        (file.media_type, [*chosen])
        if len(chosen) == 1
        else multipart(chosen, file.media_type, file.etag)
    )
    headers["Content-Length"] = str(sum(_length(one) for one in contents))
    if parts != "whole" and len(chosen) == 1:
        headers["Content-Range"] = chosen[0].content_range
    status = 200 if parts == "whole" else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=media_type)
    chunks = file.read(contents)
    # A source that fails here is an error with its status, or another source is used.
    first = next(chunks)
    source = chain((first,), chunks)
    return HeldStream(source, chunks.close, status, headers, media_type, TOGETHER_BYTES)


def _length(content: bytes | ByteRange) -> int:
    return len(content) if isinstance(content, bytes) else content.length_bytes
