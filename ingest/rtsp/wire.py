"""Parses the bytes of an RTSP connection: answers, and interleaved RTP and RTCP packets (RFC 2326,
10.12). Pure: no sockets.

All connections share one buffer. Data is parsed in place and copied only once.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Protocol

MAX_ANSWER_BYTES = 64 << 10
_DOLLAR, _VERSION_MASK, _VERSION_2 = 0x24, 0xC0, 0x80
_STATUS_LINE = re.compile(rb"RTSP/\d\.\d (\d{3})[^\r\n]*")
_MARK = b"RTSP/"


@dataclass(frozen=True, slots=True)
class RtspAnswer:
    """A server's answer. Header names are in lower case; repeated headers are kept."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return the first header with that (lower-case) name, or an empty text."""
        return next((value for own, value in self.headers if own == name), "")

    def header_values(self, name: str) -> list[str]:
        return [value for own, value in self.headers if own == name]


class MediaSink(Protocol):
    """The receiver of packets. The buffer is valid until the call returns."""

    def put(self, buffer: bytearray, channel: int, start: int, stop: int) -> None:
        """Process the packet in `buffer[start:stop]`."""

    def consume_pictures(self, buffer: bytearray, at: int, end: int) -> tuple[int, bool]:
        """Process whole pictures from `at` on, framing included, as far as that is fast. Return the
        position of the first packet that was not processed, and whether it should wait for further
        data.
        """


class Wire:
    """Read into `room()`, call `deliver()` with the size, and then take the `answers`. In between,
    the buffer belongs to this wire.

    Other bytes are skipped up to the next possible packet or answer, and counted. A camera that
    loses its framing then loses packets, but not the connection.
    """

    def __init__(self, channels: tuple[int, ...], buffer: bytearray) -> None:
        """`buffer` has CAPACITY_BYTES, and may be shared with other wires."""
        self.channels = channels
        self.buffer = buffer
        self.answers: deque[RtspAnswer] = deque(maxlen=16)
        self.garbage_bytes = 0
        self.is_too_long = False
        """Whether an answer was longer than MAX_ANSWER_BYTES and was skipped."""
        self._view = memoryview(buffer)
        self._rest = b""

    @property
    def pending_bytes(self) -> int:
        """The number of bytes of an incomplete answer, packet or picture."""
        return len(self._rest)

    def room(self) -> memoryview:
        """Return the place for the next bytes, which is never empty."""
        rest = len(self._rest)
        self._view[:rest] = self._rest
        return self._view[rest:]

    def deliver(self, size_bytes: int, media: MediaSink) -> None:
        """Process the bytes that were read into `room`: packets go to `media` in order, answers to
        `answers`.
        """
        self._process(len(self._rest) + size_bytes, media, is_last=False)

    def end(self, media: MediaSink) -> None:
        """Process the packets that wait for the end of their picture, because nothing follows."""
        self.room()
        self._process(len(self._rest), media, is_last=True)

    def _process(self, end: int, media: MediaSink, *, is_last: bool) -> None:
        buffer, channels, at = self.buffer, self.channels, 0
        while True:
            at, waits = media.consume_pictures(buffer, at, end)
            if end - at <= 4 or (waits and not is_last):
                break
            if (
                buffer[at] == _DOLLAR
                and buffer[at + 1] in channels
                and buffer[at + 4] & _VERSION_MASK == _VERSION_2
            ):
                stop = at + 4 + (buffer[at + 2] << 8 | buffer[at + 3])
                if stop > end:
                    break
                media.put(buffer, buffer[at + 1], at + 4, stop)
                at = stop
                continue
            after = (
                self._parse_answer(at, end)
                if buffer[at] == _MARK[0]
                else self._resynchronise(at, end)
            )
            if after == at:
                break
            at = after
        self._rest = bytes(self._view[at:end])

    def _parse_answer(self, at: int, end: int) -> int:
        """Store the answer at `at`, and return its end; `at` if it is incomplete."""
        if not self.buffer.startswith(_MARK, at, end):
            return self._resynchronise(at, end)
        stop = self.buffer.find(b"\r\n\r\n", at, end)
        if stop < 0:
            return at if end - at < MAX_ANSWER_BYTES else self._skip_answer(at, end)
        answer = _parsed_head(bytes(self.buffer[at:stop]))
        if answer is None:
            return self._resynchronise(at, end)
        length = answer.header("content-length")
        size = int(length) if length.isascii() and length.isdigit() and len(length) < 9 else 0
        if stop - at + 4 + size > MAX_ANSWER_BYTES:
            return self._skip_answer(at, end)
        if stop + 4 + size > end:
            return at
        self.answers.append(
            RtspAnswer(
                answer.status, answer.headers, bytes(self.buffer[stop + 4 : stop + 4 + size])
            )
        )
        return stop + 4 + size

    def _skip_answer(self, at: int, end: int) -> int:
        """Skip the answer at `at`, which is too long."""
        self.is_too_long = True
        return self._resynchronise(at, end)

    def _resynchronise(self, at: int, end: int) -> int:
        """Return the position after `at` at which the next packet or answer may begin."""
        place = min(self._next_packet(at + 1, end), self._next_mark(at + 1, end))
        self.garbage_bytes += place - at
        return place

    def _next_packet(self, at: int, end: int) -> int:
        while (at := self.buffer.find(b"$", at, end)) >= 0:
            if end - at <= 4 or (
                self.buffer[at + 1] in self.channels
                and self.buffer[at + 4] & _VERSION_MASK == _VERSION_2
            ):
                return at
            at += 1
        return end

    def _next_mark(self, at: int, end: int) -> int:
        found = self.buffer.find(_MARK, at, end)
        if found >= 0:
            return found
        for size in range(len(_MARK) - 1, 0, -1):
            if self.buffer.endswith(_MARK[:size], at, end):
                return end - size
        return end


def _parsed_head(head: bytes) -> RtspAnswer | None:
    match = _STATUS_LINE.match(head)
    if match is None:
        return None
    lines = (
        line.partition(":") for line in head[match.end() :].decode("utf-8", "replace").split("\r\n")
    )
    headers = tuple((name.strip().lower(), value.strip()) for name, colon, value in lines if colon)
    return RtspAnswer(int(match[1]), headers, b"")
