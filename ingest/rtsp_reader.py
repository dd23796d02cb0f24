"""Our own RTSP reader, for what nearly every camera sends: from the first request to media that comes. Pure: it yields what to send."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass

from domain.errors import SourceNoVideo, SourceUnreachable
from domain.states import Why
from ingest.intake import Counts
from ingest.rtsp_session import Session, moved_to
from ingest.rtsp_wire import Answer, Wire
from ingest.sdp import Video, control_url, first_video
from ingest.tracks import VideoTrack

CODECS = ("h264", "hevc")
_INTERLEAVED = re.compile(r"interleaved\s*=\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The camera sends us to another address."""

    url: str


@dataclass(frozen=True, slots=True)
class Unread:
    """Nothing that this reader reads; why, in words. libavformat may."""

    reason: str


@dataclass(frozen=True, slots=True)
class Played:
    url: str
    """What later requests are about."""


Outcome = Elsewhere | Unread | Played
Talk = Generator[bytes, Answer, Outcome]


class Interleaved:
    """The media of one connection, sent through it; there is none until `set_up`."""

    def __init__(self, camera_id: str, counts: Counts, wire: Wire) -> None:
        self.video: VideoTrack | None = None
        self.control_channel = 1
        """Of the reports about the video."""
        self.go_on = _take_nothing
        self._camera_id = camera_id
        self._counts = counts
        self._wire = wire
        self._video_channel = 0

    def put(self, buffer: bytearray, channel: int, start: int, stop: int) -> None:
        if self.video is None:
            return
        if channel == self._video_channel:
            self.video.units.put(buffer, start, stop)
        else:
            self.video.control(bytes(buffer[start:stop]))

    def set_up(self, video: Video, transport: str) -> None:
        """The camera agreed to send `video` as the Transport header `transport` says."""
        match = _INTERLEAVED.search(transport)
        if match is None and "RTP/AVP/TCP" not in transport.upper():
            raise SourceUnreachable("the camera does not send over TCP; write `transport: udp` into the registry", Why.TRANSPORT)
        first = int(match[1]) & 0xFF if match is not None else 0
        second = int(match[2] or first + 1) & 0xFF if match is not None else 1
        self._video_channel, self.control_channel = self._wire.channels = first, second
        self.video = VideoTrack(self._camera_id, video, self._counts, first)
        self.go_on = self.video.units.go_on


def _take_nothing(buffer: bytearray, at: int, end: int) -> int:
    return at


def begin(session: Session, url: str, media: Interleaved) -> Talk:
    """Have the stream of `url` sent to `media`."""
    answer = yield from session.describe(url)
    if elsewhere := moved_to(answer):
        return Elsewhere(elsewhere)
    base = answer.header("content-base") or answer.header("content-location") or url
    base = base if base.lower().startswith("rtsp://") else url
    text = answer.body.decode("utf-8", "replace")
    video = first_video(text)
    if video is None and "m=" in text:
        raise SourceNoVideo("the camera's stream has no video")
    if video is None:
        raise SourceUnreachable("the camera describes no stream", Why.REJECTED)
    if video.codec not in CODECS or not video.is_plain:
        return Unread(f"it sends {video.codec}" + ("" if video.is_plain else ", encrypted or interleaved"))
    transport = yield from session.set_up(control_url(base, video.control), "RTP/AVP/TCP;unicast;interleaved=0-1")
    media.set_up(video, transport)
    session_url = control_url(base, video.session_control)
    yield from session.play(session_url)
    return Played(session_url)
