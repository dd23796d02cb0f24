"""Sends the frames of a stream to one viewer as RTP. Pure.

The payloads are shared by all viewers. Each viewer has its own sequence numbers, without a hole,
and its own timestamps, which never go back. So a viewer that skips frames, or that gets the newest
group of pictures again, sees one continuous stream.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from api.webrtc.frame_history import RtpFrame
from api.webrtc.protocols.srtp import RtpHead, RtpProtection

_WHOLE = 0xFFFFFFFF
MAX_KEPT_PACKETS = 1_024
"""The newest packets that can be sent again. At 1 Mbit/s these are the packets of 10 s."""
_CATCH_UP_TICKS = 90
"""The interval of frames that are sent later than `_LATE_TICKS`: 1 ms. So a player shows them at
once, and not at their original speed, which would keep it behind the present.
"""
_LATE_TICKS = 18_000
_ONE_BYTE_FORM = 0xBEDE0001
"""The header extensions of a packet have one-byte heads, and one word (RFC 8285, 4.2)."""
_SEND_TIME_BITS = 18
"""abs-send-time counts 1/2^18 s, modulo 64 s."""


class RtpSender:
    """Gives the frames of one viewer their headers, and protects them."""

    def __init__(
        self,
        payload_type: int,
        ssrc: int,
        first_sequence: int,
        protection: RtpProtection,
        send_time_id: int | None = None,
    ) -> None:
        """`first_sequence` should be random and less than 2^15 (RFC 3711, 3.3.1). `send_time_id` is
        the number of the header extension abs-send-time; None to send none.
        """
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
        self._send_time_id = send_time_id
        self._next = first_sequence
        """The next sequence number, extended beyond its 16 bits."""
        self._kept: deque[tuple[int, RtpFrame, RtpHead]] = deque()
        """The first sequence number, the frame and the heads of what was sent."""
        self._kept_packets = 0

    def frame(self, frame: RtpFrame, newest: RtpFrame, now_s: float) -> list[bytes]:
        """Return the packets of a frame, which are sent at `now_s` of any clock. `newest` is the
        newest frame of the stream.
        """
        self.stamp = stamp = max(_stamp(frame, newest), self.stamp + 1)
        self.is_on_time = stamp == frame.ticks
        first, self._next = self._next, self._next + len(frame.payloads)
        head = RtpHead(self._payload_type, stamp & _WHOLE, self.ssrc, self._extension(now_s))
        self._keep(first, frame, head)
        self.packets += len(frame.payloads)
        self.bytes += frame.size_bytes
        return self._protection.protect(frame.payloads, first, head)

    def kept(self, sequences: Iterable[int]) -> list[int]:
        """Return those of the 16-bit sequence numbers whose packets can be sent again."""
        oldest = self._kept[0][0] if self._kept else self._next
        return [one for one in sequences if self._extended(one) >= oldest]

    def _extended(self, sequence: int) -> int:
        """Return the newest sequence number beyond 16 bits that was sent as this one."""
        return self._next - 1 - (self._next - 1 - sequence & 0xFFFF)

    def forget(self) -> None:
        """Send nothing again of what was sent until now: the viewer continues at a keyframe."""
        self._kept.clear()
        self._kept_packets = 0

    def again(self, sequences: Iterable[int]) -> list[bytes]:
        """Return the packets of these 16-bit sequence numbers again, those that are still kept."""
        found = []
        for sequence in sequences:
            extended = self._extended(sequence)
            for first, frame, head in reversed(self._kept):
                if extended >= first:
                    at, last = extended - first, len(frame.payloads) - 1
                    if at <= last:
                        header = head.header(extended, at == last)
                        payload = frame.payloads[at]
                        found.append(self._protection.protect_again(header, payload, extended))
                    break
        return found

    def _extension(self, now_s: float) -> bytes:
        """Return the header extension, with the time at which a packet is sent first."""
        if self._send_time_id is None:
            return b""
        sent = int(now_s * (1 << _SEND_TIME_BITS)) & 0xFFFFFF
        return (_ONE_BYTE_FORM << 32 | self._send_time_id << 28 | 2 << 24 | sent).to_bytes(8, "big")

    def _keep(self, first: int, frame: RtpFrame, head: RtpHead) -> None:
        self._kept.append((first, frame, head))
        self._kept_packets += len(frame.payloads)
        while self._kept_packets > MAX_KEPT_PACKETS and len(self._kept) > 1:
            self._kept_packets -= len(self._kept.popleft()[1].payloads)


def _stamp(frame: RtpFrame, newest: RtpFrame) -> int:
    if newest.ticks - frame.ticks <= _LATE_TICKS:
        return frame.ticks
    return newest.ticks - (newest.number - frame.number) * _CATCH_UP_TICKS
