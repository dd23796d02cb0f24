"""One track of a session: its RTP packets become access units, and those packets with times. Pure."""

from __future__ import annotations

from fractions import Fraction

from domain.media import Packet, StreamInfo
from ingest import nal, rtcp
from ingest.depacketise import AccessUnits
from ingest.intake import Counts, Intake, Unit
from ingest.rtp import Ticks
from ingest.sdp import Video


class VideoTrack:
    """`units` takes RTP packets, `control` RTCP packets; `packets` gives what came whole of them."""

    def __init__(self, camera_id: str, video: Video, counts: Counts, channel: int) -> None:
        info = StreamInfo(camera_id, video.codec, 0, 0, Fraction(1, video.clock_hz), nal.annex_b(video.sets), 0)
        self.units = AccessUnits(video.codec, video.payload_type, channel)
        self.is_over = False
        """The camera said goodbye."""
        self._counts = counts
        self._intake = Intake(counts, info, reorder_depth=None)
        self._sender = rtcp.SenderClock(video.clock_hz)
        self._ticks = Ticks()

    def control(self, data: bytes) -> None:
        compound = rtcp.parse(data)
        if compound.report is not None:
            self._sender.reported(compound.report)
        self.is_over = self.is_over or compound.is_bye

    def packets(self, received_ns: int, stepped_ns: int = 0) -> list[Packet]:
        """What is whole, and received at `received_ns`: steady time, to which wall time adds `stepped_ns`."""
        taken, self.units.ready = self.units.ready, []
        intake, counts, sender, ticks = self._intake, self._counts, self._sender, self._ticks
        counts.broken_packets = self.units.broken_units
        packets: list[Packet] = []
        for unit in taken:
            sender_ns = sender.wall_ns(unit.stamp) if intake.wants_sender else None
            jumps = counts.jumps
            packet = intake.packet(Unit(unit.data, ticks.of(unit.stamp), None, 0, received_ns, sender_ns, stepped_ns))
            if counts.jumps != jumps:
                sender.jumped()
            if packet is not None:
                packets.append(packet)
        return packets

    def receiver_report(self, own_ssrc: int) -> bytes:
        units = self.units
        return rtcp.receiver_report(own_ssrc, units.ssrc, units.highest_sequence, units.lost_packets, self._sender.report)
