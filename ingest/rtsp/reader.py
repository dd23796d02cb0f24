"""Our own RTSP reader, which supports what nearly every camera sends. It goes from the first
request to playback. Pure: it yields the requests to send.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from domain.camera_states import Why
from domain.errors import SourceNoVideo, SourceRejected, SourceUnreachable
from ingest.packets.packet_builder import SourceCounts
from ingest.packets.sdp import Audio, control_url, first_audio, first_video
from ingest.packets.tracks import AudioTrack, VideoTrack
from ingest.rtsp.session import RtspSession, moved_to
from ingest.rtsp.transport import MediaTransport
from ingest.rtsp.wire import RtspAnswer

CODECS = ("h264", "hevc")


@dataclass(frozen=True, slots=True)
class Redirect:
    """The camera redirects to another address."""

    url: str


@dataclass(frozen=True, slots=True)
class UnsupportedStream:
    """The stream is not supported by this reader, but perhaps by libavformat. The reason is a
    sentence.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Playing:
    url: str
    """The URL of later requests."""


Outcome = Redirect | UnsupportedStream | Playing
Talk = Generator[bytes, RtspAnswer, Outcome]


def start_playback(
    session: RtspSession, url: str, media: MediaTransport, camera_id: str, counts: SourceCounts
) -> Talk:
    """Request that the stream of `url` is sent to `media`."""
    answer = yield from session.describe(url)
    if elsewhere := moved_to(answer):
        return Redirect(elsewhere)
    base = answer.header("content-base") or answer.header("content-location") or url
    base = base if base.lower().startswith("rtsp://") else url
    text = answer.body.decode("utf-8", "replace")
    video = first_video(text)
    if video is None and "m=" in text:
        raise SourceNoVideo("the camera's stream has no video")
    if video is None:
        raise SourceUnreachable("the camera describes no stream", Why.REJECTED)
    if video.codec not in CODECS or not video.is_plain:
        return UnsupportedStream(
            f"it sends {video.codec}" + ("" if video.is_plain else ", encrypted or interleaved")
        )
    media.negotiated(
        0, (yield from session.set_up(control_url(base, video.control), media.offer(0)))
    )
    audio = first_audio(text)
    if audio is not None:
        audio = yield from _set_up_audio(session, base, audio, media, counts)
    track = VideoTrack(camera_id, video, audio, counts, media.channel(0))
    media.start(track, AudioTrack(audio, track) if audio is not None else None)
    session_url = control_url(base, video.session_control)
    yield from session.play(session_url)
    return Playing(session_url)


def _set_up_audio(
    session: RtspSession, base: str, audio: Audio, media: MediaTransport, counts: SourceCounts
) -> Generator[bytes, RtspAnswer, Audio | None]:
    """Request `audio` too. Return None if it is refused, because video has priority."""
    refusal = "" if audio.is_supported else f"{audio.codec} is not kept"
    if not refusal:
        try:
            media.negotiated(
                1, (yield from session.set_up(control_url(base, audio.control), media.offer(1)))
            )
        except (SourceUnreachable, SourceRejected) as error:
            refusal = str(error)
    counts.unsupported_audio = refusal
    return None if refusal else audio
