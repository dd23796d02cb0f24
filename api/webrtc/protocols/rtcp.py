"""The RTCP that a viewer and this server exchange (RFC 3550, RFC 4585, RFC 5104, and
REMB). Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from domain.clock import NS_PER_S
from domain.errors import BadInput

_SR, _RR, _SDES, _BYE, _RTPFB, _PSFB = 200, 201, 202, 203, 205, 206
_NACK, _PLI, _FIR, _APPLICATION = 1, 1, 4, 15
_HEAD = struct.Struct(">BBH")
_REPORT = struct.Struct(">IB3sIIII")
_SENDER = struct.Struct(">BBHIQIII")
_REMB = struct.Struct(">4sI")
"""The name, and the number of sources (8 bits), the exponent (6) and the mantissa (18)."""
_NTP_EPOCH_S = 2_208_988_800
MAX_NACKED = 256
"""The sequence numbers of one packet that are read. A viewer that lost more needs a keyframe."""


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """What a viewer reports of the packets that it received."""

    lost: int
    """The packets that were lost since the start. One that arrives again is not lost, so the number
    may fall.
    """
    newest: int
    """The latest sequence number, with the number of its wraps above its 16 bits."""
    jitter_ticks: int
    last_report: int
    """The middle 32 bits of the NTP time of the last sender report; 0 if it received none."""
    delay_s: float
    """The time from the arrival of that report to this one."""


@dataclass(slots=True)
class RtcpFeedback:
    """What one datagram of a viewer says about one stream."""

    nacked: list[int] = field(default_factory=list)
    wants_keyframe: bool = False
    has_left: bool = False
    report: ReceiverReport | None = None
    estimate_bits_per_s: int | None = None
    """What the path of the viewer carries, as it estimates that."""


def is_rtcp(data: bytes) -> bool:
    """Whether a datagram of RTP or RTCP is RTCP (RFC 5761, 4)."""
    return len(data) >= 2 and 192 <= data[1] <= 223


def read_feedback(data: bytes, ssrc: int) -> RtcpFeedback:
    """Read a compound packet. `ssrc` is that of the stream; what concerns others is ignored.

    Raises BadInput for a packet that is damaged.
    """
    feedback = RtcpFeedback()
    for count, kind, body in _packets(data):
        if kind == _BYE:
            feedback.has_left = True
        elif kind in (_SR, _RR):
            _read_reports(body[24 if kind == _SR else 4 :], count, ssrc, feedback)
        elif kind in (_RTPFB, _PSFB) and len(body) >= 8:
            target = int.from_bytes(body[4:8], "big")
            if kind == _RTPFB and count == _NACK and target == ssrc:
                feedback.nacked += _nacked(body[8:])
            elif kind == _PSFB and count == _PLI and target == ssrc:
                feedback.wants_keyframe = True
            elif kind == _PSFB and count == _FIR:
                targets = {body[at : at + 4] for at in range(8, len(body) - 7, 8)}
                feedback.wants_keyframe |= ssrc.to_bytes(4, "big") in targets
            elif kind == _PSFB and count == _APPLICATION:
                _read_estimate(body[8:], ssrc, feedback)
    return feedback


def _read_estimate(body: bytes, ssrc: int, feedback: RtcpFeedback) -> None:
    """Read a REMB (draft-alvestrand-rmcat-remb-03, 2.2), which may be about several sources."""
    if len(body) < _REMB.size:
        return
    name, fields = _REMB.unpack_from(body)
    targets = {body[at : at + 4] for at in range(_REMB.size, len(body) - 3, 4)}
    if name == b"REMB" and ssrc.to_bytes(4, "big") in targets:
        feedback.estimate_bits_per_s = (fields & 0x3FFFF) << (fields >> 18 & 0x3F)


def _packets(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the count or format, the type and the content of each packet."""
    at = 0
    while at < len(data):
        if at + _HEAD.size > len(data):
            raise BadInput("a packet of RTCP is cut off")
        first, kind, words = _HEAD.unpack_from(data, at)
        end = at + _HEAD.size + 4 * words
        if first >> 6 != 2 or end > len(data):
            raise BadInput("a packet of RTCP is damaged")
        yield first & 0x1F, kind, data[at + _HEAD.size : end]
        at = end


def _read_reports(body: bytes, count: int, ssrc: int, feedback: RtcpFeedback) -> None:
    for at in range(0, min(count * _REPORT.size, len(body) - _REPORT.size + 1), _REPORT.size):
        of, _, lost, newest, jitter, last, delay = _REPORT.unpack_from(body, at)
        if of == ssrc:
            signed = int.from_bytes(lost, "big", signed=True)
            feedback.report = ReceiverReport(signed, newest, jitter, last, delay / 65536)


def _nacked(body: bytes) -> list[int]:
    """Return the sequence numbers of a generic NACK (RFC 4585, 6.2.1)."""
    found: list[int] = []
    for at in range(0, len(body) - 3, 4):
        first, further = struct.unpack_from(">HH", body, at)
        found.append(first)
        found += [first + 1 + bit & 0xFFFF for bit in range(16) if further >> bit & 1]
        if len(found) >= MAX_NACKED:
            return found[:MAX_NACKED]
    return found


def ntp_of(wall_ns: int) -> int:
    """Return a time as NTP: 32 bits of seconds since 1900, and 32 bits of a fraction."""
    seconds, rest_ns = divmod(wall_ns, NS_PER_S)
    return (seconds + _NTP_EPOCH_S & 0xFFFFFFFF) << 32 | (rest_ns << 32) // NS_PER_S


def sender_report(ssrc: int, ntp: int, stamp: int, packets: int, size_bytes: int) -> bytes:
    """Return a sender report with the required name (SDES). It says that the picture with the
    timestamp `stamp` was taken at `ntp`.
    """
    whole = 0xFFFFFFFF
    report = _SENDER.pack(
        0x80, _SR, 6, ssrc, ntp, stamp & whole, packets & whole, size_bytes & whole
    )
    return report + _description(ssrc)


def goodbye(ssrc: int) -> bytes:
    """Return an empty receiver report, which a compound packet begins with, and a BYE."""
    empty = struct.pack(">BBHI", 0x80, _RR, 1, ssrc)
    return empty + _description(ssrc) + struct.pack(">BBHI", 0x81, _BYE, 1, ssrc)


def _description(ssrc: int) -> bytes:
    item = struct.pack(">IBB", ssrc, 1, 9) + b"sightline"
    item += bytes(4 - len(item) % 4)
    return struct.pack(">BBH", 0x81, _SDES, len(item) // 4) + item
