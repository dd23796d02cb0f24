"""Depacketises audio: AAC (RFC 3640, AAC-hbr) and G.711 (RFC 3551). Pure."""

from __future__ import annotations

from typing import NamedTuple

from ingest.packets import rtp

AAC_SAMPLES = 1024
"""The number of samples in one frame."""
_MAX_FRAME_BYTES = 1 << 13
"""The limit of a size, which has 13 bits."""


class AudioUnit(NamedTuple):
    """A whole AAC frame, or the samples of one packet. Stamp and duration are in ticks of its
    clock.
    """

    stamp: int
    data: bytes
    duration: int


class AudioUnits:
    """Depacketises the packets of one stream in the order of their arrival. Damaged ones are
    skipped and counted.
    """

    def __init__(self, codec: str, payload_type: int, channels: int) -> None:
        self.ready: list[AudioUnit] = []
        """The whole units, which the reader removes."""
        self.broken = 0
        self.sequence = rtp.SequenceNumbers()
        self._is_aac = codec == "aac"
        self._payload_type = payload_type
        self._channels = channels
        self._fragment_data = b""

    def put(self, buffer: bytes | bytearray, start: int, stop: int) -> None:
        """Process the RTP packet in `buffer[start:stop]`; one that is damaged or of another payload
        type is skipped.
        """
        if stop - start <= rtp.HEADER.size:
            return
        _, kind, sequence, stamp, ssrc = rtp.HEADER.unpack_from(buffer, start)
        if not self.sequence.is_next(sequence, ssrc) and self._fragment_data:
            self._fragment_data = b""
            self.broken += 1
        begin, end = rtp.payload_bounds(buffer, start, stop)
        if kind & 0x7F != self._payload_type or begin >= end:
            return
        if self._is_aac:
            self._put_aac(bytes(buffer[begin:end]), stamp, kind & 0x80 != 0)
        else:
            self.ready.append(
                AudioUnit(stamp, bytes(buffer[begin:end]), (end - begin) // self._channels)
            )

    def _put_aac(self, payload: bytes, stamp: int, is_marked: bool) -> None:
        """Process an AAC payload. Two bytes give the bits of the headers that follow. Each header
        is a size of 13 bits and an index of 3; then the frames follow.
        """
        headers = (payload[0] << 8 | payload[1]) // 16 if len(payload) > 2 else 0
        at = 2 + 2 * headers
        sizes = [
            (payload[place] << 8 | payload[place + 1]) >> 3
            for place in range(2, min(at, len(payload) - 1), 2)
        ]
        if len(sizes) == 1 and (self._fragment_data or sizes[0] > len(payload) - at):
            self._put_fragment(payload[at:], sizes[0], stamp, is_marked)
        elif not sizes or at + sum(sizes) > len(payload):
            self.broken += 1
        else:
            for number, size in enumerate(sizes):
                self.ready.append(
                    AudioUnit(
                        stamp + number * AAC_SAMPLES & 0xFFFFFFFF,
                        payload[at : at + size],
                        AAC_SAMPLES,
                    )
                )
                at += size

    def _put_fragment(self, data: bytes, size_bytes: int, stamp: int, is_marked: bool) -> None:
        """Collect a frame that is larger than a packet: each of its packets gives the whole size,
        and the last one is marked.
        """
        begun, self._fragment_data = self._fragment_data + data, b""
        if is_marked and len(begun) == size_bytes:
            self.ready.append(AudioUnit(stamp, begun, AAC_SAMPLES))
        elif is_marked or len(begun) >= min(size_bytes, _MAX_FRAME_BYTES):
            self.broken += 1
        else:
            self._fragment_data = begun
