"""The newest pictures of a stream as RTP payloads, made once for all viewers. Pure.

It begins at the newest keyframe at the latest, so that a new viewer has a picture at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from api.webrtc.pictures import CLOCK_HZ, Picture
from api.webrtc.protocols.packetiser import MAX_RUN, equal_runs, payloads
from domain.media.held_gop import MAX_GOP_BYTES, MemoryLimit
from domain.media.viewer_metrics import LIVE_GOPS_NOT_HELD

WINDOW_S, KNOWN_AFTER_S = 4.0, 2.0


@dataclass(frozen=True, slots=True)
class RtpFrame:
    """One picture, divided into RTP payloads."""

    number: int
    """Its number in the stream, which rises by one."""
    payloads: tuple[bytes, ...]
    runs: tuple[tuple[int, int], ...]
    """The bounds of the packets that the kernel sends with one call. Protection makes all packets
    longer by the same number of bytes.
    """
    size_bytes: int
    ticks: int
    wall_ns: int
    is_keyframe: bool


class BitRate:
    """The mean bit rate of the last `WINDOW_S`, by the times of the pictures. Most cameras send a
    keyframe within that time.
    """

    def __init__(self) -> None:
        self._pictures: deque[tuple[int, int]] = deque()
        """The time of each picture in ticks, and its bytes."""
        self._bytes = 0
        """The bytes of all of them but the newest, whose duration is not known."""

    @property
    def bits_per_s(self) -> float:
        """The mean bit rate; 0 until there are pictures of `KNOWN_AFTER_S`."""
        if not self._pictures:
            return 0.0
        duration_s = (self._pictures[-1][0] - self._pictures[0][0]) / CLOCK_HZ
        return 8 * self._bytes / duration_s if duration_s >= KNOWN_AFTER_S else 0.0

    def put(self, ticks: int, size_bytes: int) -> None:
        """Add the next picture. One that is earlier than the former begins another timeline."""
        if self._pictures:
            newest, newest_bytes = self._pictures[-1]
            if ticks <= newest:
                self._pictures.clear()
                self._bytes = 0
            else:
                self._bytes += newest_bytes
        self._pictures.append((ticks, size_bytes))
        while ticks - self._pictures[0][0] > WINDOW_S * CLOCK_HZ:
            self._bytes -= self._pictures.popleft()[1]


class FrameHistory:
    """The frames since the newest keyframe. Of a group of pictures that exceeds the bound of memory
    it holds only the newest frame.
    """

    def __init__(self, bound: MemoryLimit, max_bytes: int = MAX_GOP_BYTES) -> None:
        self._bound = bound
        self._max_bytes = max_bytes
        self._frames: list[RtpFrame] = []
        self._bytes = 0
        """The bytes that count against the bound."""
        self._next_number = 0
        self._rate = BitRate()

    @property
    def keyframe(self) -> RtpFrame | None:
        """The keyframe at which a viewer can begin; None if it is not held."""
        return self._frames[0] if self._frames and self._frames[0].is_keyframe else None

    @property
    def newest(self) -> RtpFrame | None:
        return self._frames[-1] if self._frames else None

    @property
    def bits_per_s(self) -> float:
        """The mean bit rate of the last seconds; 0 while it is not known."""
        return self._rate.bits_per_s

    def put(self, picture: Picture) -> None:
        """Add the next picture."""
        parts = tuple(payloads(picture.units))
        sizes = [len(part) for part in parts]
        frame = RtpFrame(
            self._next_number,
            parts,
            tuple(equal_runs(sizes, MAX_RUN)),
            sum(sizes),
            picture.ticks,
            picture.wall_ns,
            picture.is_keyframe,
        )
        self._next_number += 1
        self._rate.put(frame.ticks, frame.size_bytes)
        if picture.is_keyframe:
            self.clear()
        elif self.keyframe is None:
            self._frames = [frame]
            return
        self._hold(frame)

    def since(self, number: int) -> Sequence[RtpFrame]:
        """Return the held frames from `number` on. If that one is not held any more, they begin
        later.
        """
        if not self._frames:
            return ()
        return self._frames[max(0, number - self._frames[0].number) :]

    def clear(self) -> None:
        self._bound.give_back(self._bytes)
        self._frames, self._bytes = [], 0

    def _hold(self, frame: RtpFrame) -> None:
        is_too_large = self._bytes + frame.size_bytes > self._max_bytes
        if is_too_large or not self._bound.take(frame.size_bytes):
            LIVE_GOPS_NOT_HELD.inc()
            self.clear()
        else:
            self._bytes += frame.size_bytes
        self._frames.append(frame)
