"""Frames of a recording for analytics: all packets are decoded, and frames are given at a rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import av

from domain.clock import NS_PER_S
from domain.media.packets import Frame, Packet
from ingest.frames.frame_decoder import Decoded, FrameDecoder

JOIN_NS = NS_PER_S
"""Two pictures that are at most this far apart have no gap between them."""


class RecordedFrames:
    """Gives the frames of recorded packets at about `fps`, to one thread that iterates it."""

    def __init__(self, packets: Iterable[Packet], fps: float) -> None:
        self._packets = packets
        self._step_ns = round(NS_PER_S / fps)
        self._due_ns = 0
        self._decoder: FrameDecoder | None = None
        self._wants_keyframe = True
        self._is_torn = True
        self.decoded: list[tuple[int, int]] = []
        """The ranges of wall time, so far, whose pictures were all decoded."""

    def __iter__(self) -> Iterator[Frame]:
        for packet in self._packets:
            if self._decoder is None or self._decoder.stream != packet.stream:
                self._decoder, self._wants_keyframe = FrameDecoder(packet.stream), True
            if self._wants_keyframe and not packet.is_keyframe:
                continue
            self._wants_keyframe = False
            yield from self._frames(packet, self._decoder)

    def _frames(self, packet: Packet, decoder: FrameDecoder) -> Iterator[Frame]:
        try:
            pictures = decoder.decode(packet)
        except av.FFmpegError:
            self._wants_keyframe = self._is_torn = True
            return
        for picture, source in pictures:
            if picture.is_corrupt:
                self._is_torn = True
                continue
            self._note_decoded(source.wall_ns)
            if source.wall_ns < self._due_ns:
                continue
            is_on_time = source.wall_ns - self._due_ns < self._step_ns
            self._due_ns = (self._due_ns if is_on_time else source.wall_ns) + self._step_ns
            yield Frame(
                source.stream.camera_id,
                Decoded(picture, decoder.reformatter),
                source.pts,
                source.stream.session,
                source.wall_ns,
                source.wall_source,
            )

    def _note_decoded(self, wall_ns: int) -> None:
        start_ns, end_ns = self.decoded[-1] if self.decoded else (wall_ns, wall_ns)
        if self._is_torn or not 0 <= wall_ns - end_ns <= JOIN_NS:
            self.decoded.append((wall_ns, wall_ns))
        else:
            self.decoded[-1] = (start_ns, wall_ns)
        self._is_torn = False
