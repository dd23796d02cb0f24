"""Sends the frames of a stream to one viewer as RTP. Pure.

The payloads are shared by all viewers. Each viewer has its own sequence numbers, without a hole,
and its own timestamps, which never go back. So a viewer that skips frames, or that gets the newest
group of pictures again, sees one continuous stream.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from api.webrtc.frame_history import RtpFrame
from api.webrtc.srtp import RTP_HEADER, RTP_MARKER, RTP_VERSION, RtpProtection

_WHOLE = 0xFFFFFFFF
MAX_KEPT_PACKETS = 1_024
"""The newest packets that can be sent again. At 1 Mbit/s these are the packets of 10 s."""
_CATCH_UP_TICKS = 90
"""The interval of frames that are sent later than `_LATE_TICKS`: 1 ms. So a player shows them at
once, and not at their original speed, which would keep it behind the present.
"""
_LATE_TICKS = 18_000


class RtpSender:
    """Gives the frames of one viewer their headers, and protects them."""

    def __init__(
        self, payload_type: int, ssrc: int, first_sequence: int, protection: RtpProtection
    ) -> None:
        """`first_sequence` should be random and less than 2^15 (RFC 3711, 3.3.1)."""
        self.ssrc = ssrc
        self.packets = 0
        self.bytes = 0
        """The number of bytes of payload that were sent."""
        self.stamp = 0
        """The timestamp of the newest frame that was sent, without a wrap."""
        self.is_on_time = False
        """Whether that timestamp is the frame's own time."""
        self._payload_type = payload_type
        self._protection = protection
        self._next = first_sequence
        """The next sequence number, extended beyond its 16 bits."""
        self._kept: deque[tuple[int, RtpFrame, int]] = deque()
        """The first sequence number, the frame and the timestamp of what was sent."""
        self._kept_packets = 0

    def frame(self, frame: RtpFrame, newest: RtpFrame) -> list[bytes]:
        """Return the packets of a frame. `newest` is the newest frame of the stream."""
        self.stamp = stamp = max(_stamp(frame, newest), self.stamp + 1)
        self.is_on_time = stamp == frame.ticks
        first, self._next = self._next, self._next + len(frame.payloads)
        self._keep(first, frame, stamp)
        self.packets += len(frame.payloads)
        self.bytes += frame.size_bytes
        return self._protection.protect(
            frame.payloads, first, self._payload_type, stamp & _WHOLE, self.ssrc
        )

    def again(self, sequences: Iterable[int]) -> list[bytes]:
        """Return the packets of these 16-bit sequence numbers again, those that are still kept."""
        found = []
        for sequence in sequences:
            extended = self._next - 1 - (self._next - 1 - sequence & 0xFFFF)
            for first, frame, stamp in reversed(self._kept):
                if extended >= first:
                    if extended - first < len(frame.payloads):
                        found.append(self._packet(frame, extended - first, extended, stamp))
                    break
        return found

    def _keep(self, first: int, frame: RtpFrame, stamp: int) -> None:
        self._kept.append((first, frame, stamp))
        self._kept_packets += len(frame.payloads)
        while self._kept_packets > MAX_KEPT_PACKETS and len(self._kept) > 1:
            self._kept_packets -= len(self._kept.popleft()[1].payloads)

    def _packet(self, frame: RtpFrame, at: int, sequence: int, stamp: int) -> bytes:
        marker = RTP_MARKER if at == len(frame.payloads) - 1 else 0
        header = RTP_HEADER.pack(
            RTP_VERSION,
            marker | self._payload_type,
            sequence & 0xFFFF,
            stamp & _WHOLE,
            self.ssrc,
        )
        return self._protection.protect_again(header, frame.payloads[at], sequence)


def _stamp(frame: RtpFrame, newest: RtpFrame) -> int:
    if newest.ticks - frame.ticks <= _LATE_TICKS:
        return frame.ticks
    return newest.ticks - (newest.number - frame.number) * _CATCH_UP_TICKS
