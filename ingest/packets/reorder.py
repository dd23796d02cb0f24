"""Restores the order of RTP packets over UDP, within a bounded wait. Pure."""

from __future__ import annotations

from typing import Protocol

from ingest.packets import rtp

MAX_HELD = 64
"""The number of packets that wait for a missing one before it counts as lost."""
MAX_WAIT_S = 0.2
"""The longest wait for a missing packet."""


class RtpSink(Protocol):
    def __call__(self, buffer: bytes | bytearray, start: int, stop: int, /) -> None: ...


class Reorder:
    """Passes packets to `sink` in the order of their sequence numbers, without delay while none is
    missing. Call `expire` regularly to end waits that take too long.
    """

    def __init__(self, sink: RtpSink) -> None:
        self._sink = sink
        self._next: int | None = None
        self._held: dict[int, bytes] = {}
        self._waits_since_s: float | None = None

    def put(self, buffer: bytes | bytearray, size_bytes: int) -> None:
        """Process the RTP packet in `buffer[:size_bytes]`. A duplicate is dropped, and so is one
        whose successors were passed on.
        """
        if size_bytes < rtp.HEADER.size:
            return
        number = buffer[2] << 8 | buffer[3]
        ahead = 0 if self._next is None else number - self._next & 0xFFFF
        if _is_late(ahead):
            return
        if ahead > rtp.MAX_GAP:  # the sender restarted its numbering
            self.flush()
        elif ahead:
            self._held[number] = bytes(buffer[:size_bytes])
            if len(self._held) > MAX_HELD:
                self.flush()
            return
        self._sink(buffer, 0, size_bytes)
        self._next = number + 1 & 0xFFFF
        while self._held and (data := self._held.pop(self._next, None)) is not None:
            self._emit(self._next, data)

    def expire(self, now_s: float) -> None:
        if not self._held:
            self._waits_since_s = None
        elif self._waits_since_s is None:
            self._waits_since_s = now_s
        elif now_s - self._waits_since_s >= MAX_WAIT_S:
            self.flush()

    def flush(self) -> None:
        """Pass on all waiting packets, without the missing ones."""
        since = self._next or 0
        for number in sorted(self._held, key=lambda number: number - since & 0xFFFF):
            self._emit(number, self._held[number])
        self._held.clear()
        self._waits_since_s = None

    def _emit(self, number: int, data: bytes) -> None:
        self._sink(data, 0, len(data))
        self._next = number + 1 & 0xFFFF


def _is_late(ahead: int) -> bool:
    return ahead >= (1 << 16) - rtp.MAX_GAP
