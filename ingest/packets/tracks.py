"""The tracks of a session, which turn RTP packets into packets with times. Pure."""

from __future__ import annotations

from fractions import Fraction

from domain.clock import NS_PER_S
from domain.media.packet_batch import PacketOrBatch, newest_packet
from domain.media.packets import AudioInfo, AudioPacket, Packet, StreamInfo
from ingest.packets import nal, rtcp
from ingest.packets.audio import AudioUnits
from ingest.packets.depacketise import AccessUnit, AccessUnits, Units
from ingest.packets.packet_builder import PacketBuilder, SourceCounts, TimedAccessUnit
from ingest.packets.rtp import TimestampUnwrapper
from ingest.packets.sdp import Audio, Video
from ingest.packets.timeline import Timeline


class VideoTrack:
    """The video track. `units` receives RTP packets, `on_rtcp` RTCP packets; `packets` returns the
    completed packets.
    """

    def __init__(
        self,
        camera_id: str,
        video: Video,
        audio: Audio | None,
        counts: SourceCounts,
        channel: int = 0,
    ) -> None:
        sound = (
            AudioInfo(audio.codec, audio.clock_hz, audio.channels, audio.config)
            if audio is not None
            else None
        )
        info = StreamInfo(
            camera_id,
            video.codec,
            0,
            0,
            Fraction(1, video.clock_hz),
            nal.annex_b(video.sets),
            0,
            sound,
        )
        self.units = AccessUnits(video.codec, video.payload_type, channel)
        self._last: list[PacketOrBatch] = []
        self.is_over = False
        """Whether the camera sent a goodbye."""
        self.reports = 0
        """The number of RTCP packets received."""
        self._counts = counts
        self._builder = PacketBuilder(counts, info, reorder_depth=None)
        self._sender = rtcp.SenderClock(video.clock_hz)
        self._ticks = TimestampUnwrapper()

    def on_rtcp(self, data: bytes) -> None:
        self.reports += 1
        compound = rtcp.parse(data)
        if compound.report is not None:
            self._sender.on_report(compound.report)
        self.is_over = self.is_over or compound.is_bye

    def packets(self, received_ns: int, stepped_ns: int = 0) -> list[PacketOrBatch]:
        """Return the complete packets, received at `received_ns`. This is steady time, to which
        wall time adds `stepped_ns`.
        """
        taken, self.units.ready = self.units.ready, Units()
        counts, builder = self._counts, self._builder
        counts.broken_packets, counts.lost_packets = (
            self.units.broken_units,
            self.units.lost_packets,
        )
        ticks = self._ticks.unwrap_all(taken.stamps)
        sender_ns = (
            self._sender.wall_ns(taken.stamps[0])
            if taken.stamps and builder.needs_sender_time
            else None
        )
        received: list[PacketOrBatch] = []
        at = 0
        while at < len(ticks):
            run = builder.batch(taken, ticks, at, received_ns) if at or sender_ns is None else None
            if run is not None:
                received.append(run)
                at += run.count
                continue
            packet = self._packet(
                taken[at], ticks[at], received_ns, None if at else sender_ns, stepped_ns
            )
            if packet is not None:
                received.append(packet)
            at += 1
        self._last = received[-1:] or self._last
        return received

    def _packet(
        self, unit: AccessUnit, ticks: int, received_ns: int, sender_ns: int | None, stepped_ns: int
    ) -> Packet | None:
        """Return the packet of one unit; None before the first keyframe. Only the first unit of a
        read gets the sender's time.
        """
        jumps = self._counts.jumps
        packet = self._builder.packet(
            TimedAccessUnit(
                unit.data, ticks, None, 0, received_ns, sender_ns, stepped_ns, unit.starts
            )
        )
        if self._counts.jumps != jumps:
            self._sender.on_jump()
        return packet

    @property
    def has_steady_clock(self) -> bool:
        """Whether its timestamps run at the right rate."""
        return self._builder.has_steady_clock

    def set_read_interval(self, ns: int) -> None:
        """Set the interval between two reads."""
        self._counts.timeline.read_interval_ns = ns

    @property
    def newest(self) -> Packet | None:
        """The last packet."""
        return newest_packet(self._last) if self._last else None

    @property
    def stepped_ns(self) -> int:
        """How far the wall time of `newest` is ahead of steady time."""
        return self._builder.stepped_ns

    def report(self, own_ssrc: int) -> bytes:
        units = self.units
        return rtcp.receiver_report(
            own_ssrc, units.ssrc, units.highest_sequence, units.lost_packets, self._sender.report
        )


class AudioTrack:
    """The audio track of a `video`, on the same clock: by the sender reports of both if there are
    any, otherwise by arrival.
    """

    def __init__(self, audio: Audio, video: VideoTrack) -> None:
        self.units = AudioUnits(audio.codec, audio.payload_type, audio.channels)
        self._hz = audio.clock_hz
        self._video = video
        self._sender = rtcp.SenderClock(audio.clock_hz)
        self._ticks = TimestampUnwrapper()
        self._timeline = Timeline()
        self._shift = 0
        self._last_wall_ns = self._last_stepped_ns = 0

    def on_rtcp(self, data: bytes) -> None:
        report = rtcp.parse(data).report
        if report is not None:
            self._sender.on_report(report)

    def packets(self, received_ns: int) -> list[AudioPacket]:
        """Return the complete packets, received at `received_ns` (steady time); none before the
        video's first packet.
        """
        taken, self.units.ready = self.units.ready, []
        picture = self._video.newest
        if picture is None or not taken:
            return []
        stamps = [self._ticks.unwrap(piece.stamp) for piece in taken]
        stepped_ns = self._video.stepped_ns
        if stepped_ns != self._last_stepped_ns:
            self._last_wall_ns += stepped_ns - self._last_stepped_ns
            self._last_stepped_ns = stepped_ns
        last_ns = self._wall_ns(taken[-1].stamp, stamps[-1], picture, received_ns)
        packets: list[AudioPacket] = []
        for piece, ticks in zip(taken, stamps, strict=True):
            wall_ns = max(
                self._last_wall_ns + 1, last_ns - (stamps[-1] - ticks) * NS_PER_S // self._hz
            )
            self._last_wall_ns = wall_ns
            packets.append(
                AudioPacket(
                    picture.stream,
                    piece.data,
                    ticks + self._shift,
                    piece.duration,
                    wall_ns,
                    received_ns + stepped_ns,
                )
            )
        return packets

    def report(self, own_ssrc: int) -> bytes:
        numbers = self.units.sequence
        return rtcp.receiver_report(
            own_ssrc, numbers.ssrc, numbers.highest, numbers.lost, self._sender.report
        )

    def set_read_interval(self, ns: int) -> None:
        """Set the interval between two reads."""
        self._timeline.read_interval_ns = ns

    def _wall_ns(self, stamp: int, ticks: int, picture: Packet, received_ns: int) -> int:
        """Return the wall time of the newest unit, in steady time plus the steps of the video. A
        jump of its timestamps is removed from all later ones.
        """
        timeline = self._timeline
        if timeline.is_jump(self._ns(ticks), received_ns):
            self._shift += (
                timeline.expected_pts_ns(received_ns, 0) * self._hz // NS_PER_S
                - ticks
                - self._shift
            )
            self._sender.on_jump()
        pts_ns, sender_ns = self._ns(ticks), self._sender.wall_ns(stamp)
        if sender_ns is not None and picture.sender_wall_ns is not None:
            timeline.on_sender_report(
                pts_ns, sender_ns + picture.wall_ns - picture.sender_wall_ns - self._last_stepped_ns
            )
        return timeline.wall_time(pts_ns, received_ns).wall_ns + self._last_stepped_ns

    def _ns(self, ticks: int) -> int:
        return (ticks + self._shift) * NS_PER_S // self._hz
