"""Makes the fragments of a live stream: one for each packet, on a timeline that is UTC. Pure.

The media time of the first picture is its wall time. From there on, times follow the camera's own
clock, so each interval is exact. At a keyframe the timeline is set to the wall time again if both
are too far apart. So main stream and sub-stream of a camera share one timeline, and a player can
change from one to the other.
"""

from __future__ import annotations

from domain.clock import NS_PER_S
from domain.media.live_stream import LiveFragment, LiveInit
from domain.media.packets import Packet, ticks_to_ns
from ingest.packets import length_prefix as lengths
from ingest.packets.sample_entry import video_sample_entry
from storage.mp4.codec_strings import mime_of
from storage.mp4.fragments import DELTA, KEYFRAME, VideoRun, fragment, head, producer_time

MAX_DRIFT_NS = NS_PER_S // 5
"""The largest difference between media time and wall time at a keyframe."""
_FIRST_DURATION_NS = NS_PER_S // 25
"""The duration of the first picture if the camera does not state it."""


class Fragmenter:
    """Makes the fragments of one stream. A change of its parameters gives a new initialisation
    segment.
    """

    def __init__(self) -> None:
        self._init: LiveInit | None = None
        self._first: Packet | None = None
        """The packet from which the present timeline is counted."""
        self._first_ticks = 0
        """The decoding time of that packet on the media timeline."""
        self._last: Packet | None = None
        self._usual_ticks = 0
        self._sequence = 0

    def fragment(self, packet: Packet) -> LiveFragment | None:
        """Return the fragment of a packet; None for a packet that cannot be decoded, because the
        keyframe before it is missing. Raises DataLoss if the stream has no parameter sets.
        """
        if packet.is_keyframe:
            self._begin_if_needed(packet)
        if self._init is None or self._first is None or self._is_out_of_order(packet):
            self._first = None
            return None
        time_base = packet.stream.time_base
        decoded = self._first_ticks + (packet.dts - self._first.dts) * time_base.numerator
        shown_after = (packet.pts - packet.dts) * time_base.numerator
        data: list[bytes | bytearray] = []
        (size_bytes,) = lengths.append_prefixed(packet.stream.codec, [packet], data)
        flags = KEYFRAME if packet.is_keyframe else DELTA
        duration = self._duration_ticks(packet) * time_base.numerator
        self._sequence += 1
        self._last = packet
        run = VideoRun(decoded, (duration, size_bytes, flags, shown_after), data)
        pieces = fragment(self._sequence, run, None)
        shown = decoded + shown_after
        return LiveFragment(
            self._init,
            b"".join((producer_time(packet.wall_ns, shown), *pieces)),
            packet.is_keyframe,
            shown * NS_PER_S // time_base.denominator,
            packet.wall_ns,
            packet.wall_source,
            packet.received_ns,
        )

    def _begin_if_needed(self, keyframe: Packet) -> None:
        last = self._last
        if last is None or last.stream != keyframe.stream or self._init is None:
            data = head(video_sample_entry(keyframe), None)
            stream = keyframe.stream
            self._init = LiveInit(
                mime_of(data), stream.codec, stream.width_px, stream.height_px, data
            )
            self._set_timeline(keyframe)
        elif self._first is None or keyframe.dts <= last.dts or self._has_drifted(keyframe):
            self._set_timeline(keyframe)

    def _set_timeline(self, keyframe: Packet) -> None:
        time_base = keyframe.stream.time_base
        shown = keyframe.wall_ns * time_base.denominator // NS_PER_S
        self._first, self._last = keyframe, None
        self._first_ticks = shown - (keyframe.pts - keyframe.dts) * time_base.numerator
        self._usual_ticks = 0

    def _has_drifted(self, keyframe: Packet) -> bool:
        assert self._first is not None
        passed_ns = ticks_to_ns(keyframe.pts - self._first.pts, keyframe.stream.time_base)
        return abs(keyframe.wall_ns - self._first.wall_ns - passed_ns) > MAX_DRIFT_NS

    def _is_out_of_order(self, packet: Packet) -> bool:
        last = self._last
        return last is not None and (last.stream != packet.stream or packet.dts <= last.dts)

    def _duration_ticks(self, packet: Packet) -> int:
        """Return the likely duration of a picture; the next fragment has the true time."""
        if packet.duration:
            return packet.duration
        if self._last is not None:
            self._usual_ticks = packet.dts - self._last.dts
        time_base = packet.stream.time_base
        return self._usual_ticks or round(_FIRST_DURATION_NS / NS_PER_S / time_base)
