"""The transports of a session's media: interleaved in its own connection, or as datagrams. Both
negotiate with the camera and unpack the media.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Protocol

from domain.camera_states import Why
from domain.errors import SourceUnreachable
from ingest.packets.tracks import AudioTrack, VideoTrack
from ingest.rtsp.wire import Wire

_INTERLEAVED = re.compile(r"interleaved\s*=\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?", re.IGNORECASE)


class MediaTransport(Protocol):
    """The transport of a session. Tracks count from 0; the video is the first."""

    def offer(self, track: int, /) -> str:
        """Return the Transport header that requests a track."""

    def negotiated(self, track: int, transport: str, /) -> None:
        """Process the camera's Transport header. Raises SourceUnreachable if it names another
        transport, or what another track uses.
        """

    def channel(self, track: int, /) -> int:
        """Return the interleaved channel of a track's RTP packets."""

    def start(self, video: VideoTrack, audio: AudioTrack | None, /) -> None:
        """Start to receive packets. `audio` is track 1, if it was negotiated."""


class Interleaved:
    """Media in the RTSP connection, each packet after four bytes with its channel and length."""

    def __init__(self, wire: Wire) -> None:
        self.video: VideoTrack | None = None
        self.audio: AudioTrack | None = None
        self._wire = wire
        self._channels: list[tuple[int, int]] = []
        self._handlers: dict[int, Callable[[bytearray, int, int], None]] = {}
        self.consume_pictures = _consume_nothing

    def offer(self, track: int) -> str:
        return f"RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}"

    def negotiated(self, track: int, transport: str) -> None:
        match = _INTERLEAVED.search(transport)
        if match is None and "RTP/AVP/TCP" not in transport.upper():
            raise SourceUnreachable(
                "the camera does not send over TCP; write `transport: udp` into the registry",
                Why.TRANSPORT,
            )
        first = int(match[1]) & 0xFF if match is not None else 2 * track
        second = int(match[2] or first + 1) & 0xFF if match is not None else first + 1
        if {first, second} & set(self._wire.channels if self._channels else ()):
            raise SourceUnreachable(
                "the camera names the same channels for its sound as for its video", Why.TRANSPORT
            )
        self._channels.append((first, second))
        self._wire.channels = tuple(channel for pair in self._channels for channel in pair)

    def channel(self, track: int) -> int:
        return self._channels[track][0]

    def start(self, video: VideoTrack, audio: AudioTrack | None) -> None:
        self.video, self.audio = video, audio
        self.consume_pictures = video.units.consume_pictures
        for (data, control), track in zip(self._channels, (video, audio), strict=False):
            if track is not None:
                self._handlers |= {control: _rtcp_handler(track), data: track.units.put}

    def put(self, buffer: bytearray, channel: int, start: int, stop: int) -> None:
        if (take := self._handlers.get(channel)) is not None:
            take(buffer, start, stop)

    def reports(self, own_ssrc: int) -> Iterator[bytes]:
        """Yield a receiver report for each track, to be sent in the connection."""
        for (_, control), track in zip(self._channels, (self.video, self.audio), strict=False):
            if track is not None:
                report = track.report(own_ssrc)
                yield struct.pack(">BBH", 0x24, control, len(report)) + report


def _consume_nothing(buffer: bytearray, at: int, end: int) -> tuple[int, bool]:
    return at, False


def _rtcp_handler(track: VideoTrack | AudioTrack) -> Callable[[bytearray, int, int], None]:
    return lambda buffer, start, stop: track.on_rtcp(bytes(buffer[start:stop]))
