"""UDP may bring RTP packets out of order: they are given out in the order of their numbers, as
far as it is worth waiting. Pure.
"""

from __future__ import annotations

from typing import Protocol

from ingest.packets import rtp

MAX_HELD = 64
"""Packets that wait for one before them; beyond that it is believed lost."""
PATIENCE_S = 0.2
"""They wait no longer than this."""


class RtpSink(Protocol):
    def __call__(self, buffer: bytes | bytearray, start: int, stop: int, /) -> None: ...


class Reorder:
    """Packets go out to `take` at once while each is the next. Call `turn` now and then: what
    has waited for too long goes out.
    """

    def __init__(self, take: RtpSink) -> None:
        self._take = take
        self._next: int | None = None
        self._held: dict[int, bytes] = {}
        self._waits_since_s: float | None = None

    def put(self, buffer: bytes | bytearray, size_bytes: int) -> None:
        """The RTP packet in `buffer[:size_bytes]`. One that comes twice, or when those after it
        have gone out, is dropped.
        """
        if size_bytes < rtp.HEADER.size:
            return
        number = buffer[2] << 8 | buffer[3]
        ahead = 0 if self._next is None else number - self._next & 0xFFFF
        if _is_late(ahead):
            return
        if ahead > rtp.MAX_GAP:  # it began to count anew
            self.let_go()
        elif ahead:
            self._held[number] = bytes(buffer[:size_bytes])
            if len(self._held) > MAX_HELD:
                self.let_go()
            return
        self._take(buffer, 0, size_bytes)
        self._next = number + 1 & 0xFFFF
        while self._held and (data := self._held.pop(self._next, None)) is not None:
            self._give(self._next, data)

    def turn(self, now_s: float) -> None:
        if not self._held:
            self._waits_since_s = None
        elif self._waits_since_s is None:
            self._waits_since_s = now_s
        elif now_s - self._waits_since_s >= PATIENCE_S:
            self.let_go()

    def let_go(self) -> None:
        """Give out all that is held, without what is missing between."""
        since = self._next or 0
        for number in sorted(self._held, key=lambda number: number - since & 0xFFFF):
            self._give(number, self._held[number])
        self._held.clear()
        self._waits_since_s = None

    def _give(self, number: int, data: bytes) -> None:
        self._take(data, 0, len(data))
        self._next = number + 1 & 0xFFFF


def _is_late(ahead: int) -> bool:
    return ahead >= (1 << 16) - rtp.MAX_GAP
