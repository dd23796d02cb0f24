"""Parses and writes RTCP (RFC 3550, 6): the sender's time of its packets, its goodbye, and receiver
reports. Pure.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from domain.clock import NS_PER_S
from ingest.packets.rtp import signed_step

_HEAD = struct.Struct(">BBH")
_SENDER = struct.Struct(">IIII")
_RECEIVER = struct.Struct(">BBHIIIIIII")
_NAME = b"sightline"
_SENDER_REPORT, _RECEIVER_REPORT, _DESCRIPTION, _BYE = 200, 201, 202, 203
_NTP_EPOCH_S = 2_208_988_800
"""The seconds from 1900 to 1970."""
_STALE_TICKS = 1 << 30
"""So long after a report it is not used any more: 3.3 hours at 90 kHz. At twice that distance it
would count as a report of the future, because timestamps have 32 bits.
"""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """At `wall_ns` (UTC, by the sender) its media clock had the value `stamp`."""

    ssrc: int
    wall_ns: int
    ntp_middle: int
    """The middle 32 bits of its NTP time, which a receiver report repeats."""
    stamp: int


@dataclass(frozen=True, slots=True)
class Compound:
    """The relevant parts of one compound packet."""

    report: SenderReport | None
    is_bye: bool


def parse(data: bytes) -> Compound:
    """Parse `data` up to the first damage."""
    report: SenderReport | None = None
    is_bye = False
    at = 0
    while at + 4 <= len(data):
        flags, kind, words = _HEAD.unpack_from(data, at)
        stop = at + 4 + 4 * words
        if flags & 0xC0 != 0x80 or stop > len(data):
            break
        if kind == _SENDER_REPORT and words >= 5:
            report = _sender_report(data, at + 4) or report
        is_bye = is_bye or kind == _BYE
        at = stop
    return Compound(report, is_bye)


def _sender_report(data: bytes, at: int) -> SenderReport | None:
    ssrc, seconds, fraction, stamp = _SENDER.unpack_from(data, at)
    if not seconds:
        return None  # a sender without a clock (6.4.1)
    # Seconds wrap in 2036: a count below half belongs to the next era (RFC 4330, 3).
    since_1900_s = seconds + ((1 << 32) if seconds < 1 << 31 else 0)
    wall_ns = (since_1900_s - _NTP_EPOCH_S) * NS_PER_S + (fraction * NS_PER_S >> 32)
    return SenderReport(ssrc, wall_ns, (seconds & 0xFFFF) << 16 | fraction >> 16, stamp)


class SenderClock:
    """Computes the sender's time of any packet from its last report."""

    def __init__(self, clock_hz: int) -> None:
        self._clock_hz = clock_hz
        self._report: SenderReport | None = None

    @property
    def report(self) -> SenderReport | None:
        return self._report

    def on_report(self, report: SenderReport) -> None:
        self._report = report

    def on_jump(self) -> None:
        """Forget the last report, because the timestamps jumped after it."""
        self._report = None

    def wall_ns(self, stamp: int) -> int | None:
        """Return the sender's time of a packet; None without a report of the last hours."""
        if self._report is None:
            return None
        since = signed_step(stamp, self._report.stamp)
        if since > _STALE_TICKS:
            self._report = None
            return None
        return self._report.wall_ns + since * NS_PER_S // self._clock_hz


def receiver_report(
    own_ssrc: int, ssrc: int, highest: int, lost: int, report: SenderReport | None
) -> bytes:
    """Return a compound packet about the stream of `ssrc`. `highest` is its last extended sequence
    number, and `lost` the number of missing packets.
    """
    quoted = 0 if report is None else report.ntp_middle
    counts = min(max(lost, 0), 0x7FFFFF)
    head = _RECEIVER.pack(
        0x81, _RECEIVER_REPORT, 7, own_ssrc, ssrc, counts, highest & 0xFFFFFFFF, 0, quoted, 0
    )
    item = bytes([1, len(_NAME)]) + _NAME + b"\0"
    item += b"\0" * (-len(item) % 4)
    return head + struct.pack(">BBHI", 0x81, _DESCRIPTION, 1 + len(item) // 4, own_ssrc) + item
