"""Makes the fragments of a camera's sound: one for each packet, on a timeline that is UTC. Pure.

The media time of the first packet is its wall time. From there on, times follow the camera's own
clock, so the samples are continuous. The timeline is set to the wall time again if both are too far
apart.
"""

from __future__ import annotations

from domain.clock import NS_PER_S
from domain.media.live_stream import LiveFragment, LiveInit
from domain.media.packets import AudioInfo, AudioPacket, StreamInfo, WallSource
from storage.mp4.codec_strings import mime_of
from storage.mp4.fragments import AudioRun, fragment, sound_head

MAX_DRIFT_NS = NS_PER_S // 10
"""The largest difference between media time and wall time. A viewer notices a larger one."""


class SoundFragmenter:
    """Makes the fragments of one camera's sound. Another codec gives a new initialisation
    segment.
    """

    def __init__(self) -> None:
        self._audio: AudioInfo | None = None
        self._init: LiveInit | None = None
        self._stream: StreamInfo | None = None
        self._last_pts = 0
        self._shift = 0
        """What is added to the `pts` of a packet for its time on the media timeline, in ticks."""
        self._sequence = 0

    def fragment(self, packet: AudioPacket) -> LiveFragment | None:
        """Return the fragment of a packet; None if its stream has no sound. Raises DataLoss for AAC
        without its configuration.
        """
        audio = packet.stream.audio
        if audio is None:
            return None
        init = self._init
        if init is None or audio != self._audio:
            init = self._begin(audio)
        if packet.stream != self._stream or packet.pts <= self._last_pts:
            self._set_timeline(packet, audio.clock_hz)
        media_ns = self._media_ns(packet, audio.clock_hz)
        if abs(media_ns - packet.wall_ns) > MAX_DRIFT_NS:
            self._set_timeline(packet, audio.clock_hz)
            media_ns = self._media_ns(packet, audio.clock_hz)
        self._stream, self._last_pts = packet.stream, packet.pts
        self._sequence += 1
        table = (packet.duration, packet.size_bytes)
        run = AudioRun(packet.pts + self._shift, table, [packet.data])
        return LiveFragment(
            init,
            b"".join(fragment(self._sequence, None, run)),
            packet.is_keyframe,
            media_ns,
            packet.wall_ns,
            WallSource.RECEIVER,
            packet.received_ns,
        )

    def _begin(self, audio: AudioInfo) -> LiveInit:
        data = sound_head(audio)
        self._audio, self._stream = audio, None
        mime = mime_of(data, "audio")
        self._init = LiveInit(mime, audio.codec, 0, 0, data, audio.clock_hz, audio.channels)
        return self._init

    def _set_timeline(self, packet: AudioPacket, clock_hz: int) -> None:
        self._shift = packet.wall_ns * clock_hz // NS_PER_S - packet.pts

    def _media_ns(self, packet: AudioPacket, clock_hz: int) -> int:
        return (packet.pts + self._shift) * NS_PER_S // clock_hz
