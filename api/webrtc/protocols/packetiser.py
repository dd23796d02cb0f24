"""Divides a picture of H.264 into RTP payloads (RFC 6184, packetization mode 1). Pure."""

from __future__ import annotations

from collections.abc import Sequence

MAX_PAYLOAD_BYTES = 1_190
"""With the headers of RTP, its extension and SRTP, UDP and IPv6, a packet has fewer than the 1,280
bytes that every link of IPv6 carries.
"""
MAX_RUN = 48
"""The kernel accepts 64 segments of at most 64 KiB together."""
_STAP_A, _FU_A = 24, 28
_START, _END = 0x80, 0x40


def payloads(units: Sequence[bytes]) -> list[bytes]:
    """Return the payloads of the NAL units of one picture, which are not empty. The last payload
    gets the marker.

    Units that fit into one payload are joined (STAP-A), and a larger unit is divided (FU-A).
    """
    found: list[bytes] = []
    joined: list[bytes] = []
    joined_bytes = 1
    for unit in units:
        size_bytes = 2 + len(unit)
        if joined and joined_bytes + size_bytes > MAX_PAYLOAD_BYTES:
            found.append(_joined(joined))
            joined, joined_bytes = [], 1
        if len(unit) > MAX_PAYLOAD_BYTES:
            found += _divided(unit)
        else:
            joined.append(unit)
            joined_bytes += size_bytes
    if joined:
        found.append(_joined(joined))
    return found


def _joined(units: Sequence[bytes]) -> bytes:
    if len(units) == 1:
        return units[0]
    forbidden = max(unit[0] & 0x80 for unit in units)
    importance = max(unit[0] & 0x60 for unit in units)
    pieces = [bytes((forbidden | importance | _STAP_A,))]
    for unit in units:
        pieces += (len(unit).to_bytes(2, "big"), unit)
    return b"".join(pieces)


def _divided(unit: bytes) -> list[bytes]:
    """Return the fragments of a unit. All but the last have the same size, so that the kernel can
    send them with one call.
    """
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
    room = MAX_PAYLOAD_BYTES - 2
    last = (len(unit) - 2) // room * room + 1
    return [
        bytes((indicator, _START * (at == 1) | _END * (at == last) | kind)) + unit[at : at + room]
        for at in range(1, len(unit), room)
    ]


def equal_runs(sizes: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Divide packets of these sizes into runs that the kernel can send with one call: at most
    `most` of the same size, of which the last may be smaller. Return the bounds of each run.
    """
    runs, begin = [], 0
    for at in range(1, len(sizes) + 1):
        is_full = at - begin >= most
        if at == len(sizes) or is_full or sizes[at] > sizes[begin] or sizes[at - 1] < sizes[begin]:
            runs.append((begin, at))
            begin = at
    return runs
