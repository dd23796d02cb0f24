"""The newest pictures of a stream as RTP payloads, made once for all viewers. Pure.

It begins at the newest keyframe at the latest, so that a new viewer has a picture at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.webrtc.packetiser import MAX_RUN, equal_runs, payloads
from api.webrtc.pictures import Picture
from domain.media.held_gop import MAX_GOP_BYTES, MemoryLimit
from domain.metrics import LIVE_GOPS_NOT_HELD


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

    @property
    def keyframe(self) -> RtpFrame | None:
        """The keyframe at which a viewer can begin; None if it is not held."""
        return self._frames[0] if self._frames and self._frames[0].is_keyframe else None

    @property
    def newest(self) -> RtpFrame | None:
        return self._frames[-1] if self._frames else None

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
