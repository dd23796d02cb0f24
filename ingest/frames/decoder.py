"""Frames for analytics: the packets of a tap are decoded in software, and frames that are due are
given to the caller.

Decoding cannot skip single packets, because each picture builds on those before it. The loop filter
and the conversion to BGR can be saved. Frames that are not due, that analytics is too late for, or
in which nothing moves therefore stay YUV. The recorder has a tap of its own, and never waits.

`decode_control.py` describes who decides which packets reach the tap, and the order of the calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av

from domain import metrics
from domain.clock import NS_PER_MS, NS_PER_S, Clock
from domain.cpu_time import CpuTime
from domain.media.fanout import Tap
from domain.media.packets import Frame, Packet
from domain.recordings.partly_analysed import PartlyCause
from ingest.frames.admission import NotDecoded
from ingest.frames.analysis_losses import AnalysisLosses
from ingest.frames.decode_control import DecodeControl, DecodeEverything
from ingest.frames.decoder_devices import DecoderDevices
from ingest.frames.frame_decoder import Decoded, FrameDecoder
from ingest.health.decode_failures import DecodeFailures
from ingest.health.freeze_detection import Moment

IDLE_S = 0.25
"""Without packets for this long, the reader yields None, so that the caller notices that time has
passed.
"""
CLOSED_GATE_IDLE_S = 2.0
"""The same while the decode gate is closed and nothing is in view."""
LATE_NS = 3_500 * NS_PER_MS
"""A frame this much older than the newest packet is late: analytics gets fewer frames.

The decode gate leaves out whole groups of pictures before that. This is for cameras whose groups
are too long for it.
"""
TOO_LATE_NS = 5 * NS_PER_S
"""A reader that is this far behind continues at the newest keyframe that it has. To catch up would
take longer than what it would find is worth, because later passings are missed meanwhile.
"""
CAUGHT_UP_NS = NS_PER_S
"""Frames up to so long after a burst are late because of the burst, and are analysed."""
LATE_STEP_NS = 500 * NS_PER_MS
"""Late frames are given at this interval: two looks a second still find what passes. All cameras
of an overloaded machine slow down alike.
"""
_LONGEST_BURST_NS = 60 * NS_PER_S
"""A frame that is older than this before a burst comes from a camera whose clock was set back."""
_DECODE = metrics.ANALYSIS_CPU_S.labels("decode")


class Decimator:
    """Chooses an even part of a sequence. `takes` is called for each item, with that part."""

    def __init__(self, credit: float = 0.0) -> None:
        """`credit` is the part of an item by which the first one is taken earlier."""
        self._credit = credit

    def takes(self, part: float) -> bool:
        self._credit += part
        if self._credit < 1.0 - 1e-9:
            return False
        self._credit -= 1.0
        return True


class FrameReader:
    """Gives one camera's frames at about `fps`, to one analysis thread that iterates it.

    The iteration yields None after a wait without packets, and ends when the tap is closed and
    empty. It raises nothing for packets that cannot be decoded: they are counted.
    """

    def __init__(
        self,
        tap: Tap,
        clock: Clock,
        fps: float,
        camera_id: str,
        failures: DecodeFailures | None = None,
        control: DecodeControl | None = None,
        losses: AnalysisLosses | None = None,
        devices: DecoderDevices | None = None,
    ) -> None:
        """Decode the packets of `tap`, and report to `failures` which of them cannot be decoded.

        `control` is the gate that puts packets into the tap; without one, all packets are decoded.
        `losses` receives the ranges in which passings may be missed. `devices` may decode the
        pictures; without them, software does.
        """
        self._devices = devices
        self.losses = losses or AnalysisLosses()
        self._failures = failures or DecodeFailures()
        self._control: DecodeControl = control or DecodeEverything()
        self._tap = tap
        self._clock = clock
        self._step_ns = 0
        self.set_rate(fps)
        self._camera_id = camera_id
        self.part = 1.0
        """The part of the frames due that is given, evenly spread. The analysis thread sets it."""
        self.arrived_ns: int | None = None
        """When the packet of the last frame arrived, or None if the gate held it before."""
        self._due_ns = 0
        self._last_output_ns = 0
        self._newest_wall_ns = 0
        self._decoder: FrameDecoder | None = None
        self._wants_keyframe = True
        self._lost_from_ns: int | None = None
        """Since when no frame could be given, after a failure or while the rate is 0."""
        self._lost_cause = PartlyCause.DECODER
        self._decoded = metrics.FRAMES_DECODED.labels(camera_id)
        self._late, self._backlog = (
            metrics.FRAMES_SKIPPED.labels(camera_id, reason) for reason in ("late", "backlog")
        )
        self._settled = metrics.PACKETS_NOT_DECODED.labels(camera_id, NotDecoded.SETTLED)
        self.decoded_packets = 0
        """The packets that were decoded since the start. Any thread may read it."""
        self._taken_packets = 0
        """The packets that were taken from the tap and not decoded or left out yet."""
        self._taken_ns = 0
        """The wall time of the packet that was decoded or left out last, or is in work."""
        self.groups = 0
        """How many groups of pictures were begun, the last one by the last frame or before it."""
        self._group_from_ns = 0
        """The wall time of the first picture of that group."""
        self._begun_pts: int | None = None
        """The pts of a keyframe that was decoded, until the decoder returns its picture or a later
        one. Pictures of the group before it are returned first, if they are reordered.
        """
        self._skipped_from_ns: int | None = None
        """Since when the rest of a group is skipped."""
        self._part_of_due = Decimator()
        self._dropped = metrics.PACKETS_DROPPED.labels(camera_id, tap.name)
        self._seen_drops = 0
        self._broken = metrics.PACKETS_BROKEN.labels(camera_id, "decoder")

    def set_rate(self, fps: float) -> None:
        """Give so many frames a second from now on; with 0 nothing is decoded.

        Any thread may call it.
        """
        self._step_ns = round(NS_PER_S / fps) if fps else 0

    @property
    def is_decoding(self) -> bool:
        """Whether packets are decoded, and not left out up to a later keyframe. Any thread may
        read it.
        """
        return not self._wants_keyframe

    @property
    def waiting_packets(self) -> int:
        """The packets that wait to be decoded or left out, and the one in work.

        Any thread may read it.
        """
        return self._tap.waiting_packets + self._taken_packets

    @property
    def undone_from_ns(self) -> int | None:
        """From when pictures wait to be given or reported as lost; None if there are none, and 0
        before the first packet was taken.

        Any thread may read it.
        """
        if self.waiting_packets or self._tap.dropped_packets != self._seen_drops:
            return self._taken_ns
        return self._lost_from_ns

    @property
    def rest_ns(self) -> int:
        """The time from the last frame to the end of its group, if that is as long as the last."""
        return max(0, self._group_from_ns + self._control.group_ns - self._last_output_ns)

    def skip_group(self) -> bool:
        """Do not decode the rest of the group of the last frame.

        Return False if all of it is decoded already, so that nothing is left out. The analysis
        thread calls it between two frames.
        """
        if self._begun_pts is not None:
            return False
        self._wants_keyframe, self._skipped_from_ns = True, self._last_output_ns
        return True

    def __iter__(self) -> Iterator[Frame | None]:
        self._taken_packets = 0  # of an iteration before this one, which its caller left
        while True:
            packets = self._tap.take(
                CLOSED_GATE_IDLE_S if self._control.expects_nothing else IDLE_S
            )
            if not packets:
                if self._tap.closed:
                    if self._devices is not None:
                        self._devices.release(self._camera_id)
                    return
                yield None
                continue
            self._count_drops(packets[0].wall_ns)
            if not self._step_ns:
                # Later packets build on those that are not decoded now.
                self._wants_keyframe = True
                self._stop_skipping(packets[0].wall_ns)
                self._lose(packets[0].wall_ns, packets[-1].wall_ns, PartlyCause.OVERLOAD)
                yield None
                continue
            self._newest_wall_ns = max(self._newest_wall_ns, packets[-1].wall_ns)
            for packet in self._needed(packets):
                yield from self._frames(packet)
            self._taken_packets = 0

    def _needed(self, packets: Sequence[Packet]) -> Iterator[Packet]:
        """Yield all packets but those before a keyframe up to which nothing moves.

        A reader that is late need not decode an empty road to catch up. If it is too late, it
        continues at the last keyframe.
        """
        keyframes = [at for at, packet in enumerate(packets) if packet.is_keyframe]
        at = 0
        while at < len(packets):
            if keyframes and keyframes[-1] > at and self._is_too_late(packets[at]):
                self._skip(packets[at : keyframes[-1] + 1])
                at = keyframes[-1]
            elif keyframes and keyframes[-1] > at:
                until_ns = self._control.quiet_until_ns(packets[at].wall_ns)
                still = [one for one in keyframes if at < one and packets[one].wall_ns <= until_ns]
                if still:
                    self._stop_skipping(packets[at].wall_ns)
                    at = still[-1]
            self._taken_packets, self._taken_ns = len(packets) - at, packets[at].wall_ns
            yield packets[at]
            at += 1

    def _is_too_late(self, packet: Packet) -> bool:
        late_ns = self._clock.wall_ns() - packet.received_ns
        return TOO_LATE_NS < late_ns < _LONGEST_BURST_NS

    def _skip(self, packets: Sequence[Packet]) -> None:
        """Count the packets before the last one of these, which is decoded next."""
        self._stop_skipping(packets[0].wall_ns)
        self._dropped.inc(len(packets) - 1)
        self.losses.add(packets[0].wall_ns, packets[-1].wall_ns, PartlyCause.OVERLOAD)

    def _frames(self, packet: Packet) -> Iterator[Frame]:
        decoder = self._decoder
        is_new = decoder is None or decoder.stream != packet.stream
        self._end_skipping(packet)
        if not packet.is_keyframe and (is_new or self._wants_keyframe):
            return
        if packet.is_keyframe:
            self._begun_pts = packet.pts
        if decoder is None or is_new:
            decoder = self._decoder = FrameDecoder(packet.stream, self._devices)
            self._due_ns = 0
        self._wants_keyframe = False
        try:
            with CpuTime(_DECODE):
                decoded = decoder.decode(packet)
            self.decoded_packets += 1
        except av.FFmpegError:
            self._count_failure()
            self._lose(packet.wall_ns, packet.wall_ns + 1, PartlyCause.DECODER)
            self._wants_keyframe = True
            if self._devices is not None and self._devices.exclude(self._camera_id):
                self._decoder = None
            return
        for picture, source in decoded:
            self._decoded.inc()
            if self._begun_pts is not None and source.pts >= self._begun_pts:
                self.groups, self._begun_pts = self.groups + 1, None
                self._group_from_ns = source.wall_ns
            if picture.is_corrupt:
                self._count_failure()
                self._lose(source.wall_ns, source.wall_ns + 1, PartlyCause.DECODER)
                continue
            self._failures.decoded()
            self._end_loss(source.wall_ns)
            if self._is_due(source.wall_ns):
                was_held = source.wall_ns <= self._control.burst.to_ns
                self.arrived_ns = None if was_held else source.received_ns
                pixels = Decoded(picture, decoder.reformatter)
                yield Frame(
                    self._camera_id,
                    pixels,
                    source.pts,
                    source.stream.session,
                    source.wall_ns,
                    source.wall_source,
                )

    def _end_skipping(self, packet: Packet) -> None:
        """Report the time up to a packet while the rest of a group is skipped, or up to where the
        gate held the packets before it.
        """
        if self._skipped_from_ns is None:
            return
        held_ns = self._control.skipped_from_ns(packet.wall_ns)
        self._stop_skipping(packet.wall_ns if held_ns is None else held_ns)
        if not packet.is_keyframe:
            self._skipped_from_ns = packet.wall_ns
            self._settled.inc()

    def _stop_skipping(self, at_ns: int) -> None:
        """Report the skipped rest of a group, if there is one, up to this time."""
        if self._skipped_from_ns is not None:
            self.losses.add(self._skipped_from_ns, at_ns, PartlyCause.SETTLED)
            self._skipped_from_ns = None

    def _lose(self, from_ns: int, to_ns: int, cause: PartlyCause) -> None:
        """Report that no frame of [from_ns, to_ns) could be given. `_end_loss` reports the time
        until the next frame.
        """
        self._end_loss(from_ns)
        self.losses.add(from_ns, to_ns, cause)
        self._lost_from_ns, self._lost_cause = to_ns, cause

    def _end_loss(self, at_ns: int) -> None:
        """Report the time from the last loss to a frame at `at_ns`, or to the next loss."""
        if self._lost_from_ns is not None:
            self.losses.add(self._lost_from_ns, at_ns, self._lost_cause)
            self._lost_from_ns = None

    def _count_failure(self) -> None:
        self._broken.inc()
        self._failures.failed(Moment(self._clock.monotonic_s(), self._clock.steady_ns()))

    def _is_due(self, wall_ns: int) -> bool:
        from_ns, to_ns = self._control.burst
        if wall_ns < from_ns and from_ns - wall_ns < _LONGEST_BURST_NS:
            return False
        if wall_ns < self._due_ns and self._due_ns - wall_ns < 2 * self._step_ns:
            return False
        # The step counts from the time that was due, and not from the frame. The mean rate is then
        # right even if it does not divide the camera's rate.
        self._due_ns = (
            self._due_ns + self._step_ns
            if wall_ns - self._due_ns < self._step_ns
            else wall_ns + self._step_ns
        )
        is_late = self._newest_wall_ns - wall_ns > LATE_NS and wall_ns > to_ns + CAUGHT_UP_NS
        if is_late and 0 <= wall_ns - self._last_output_ns < LATE_STEP_NS:
            self._late.inc()
            self.losses.add(self._last_output_ns, wall_ns, PartlyCause.OVERLOAD)
            return False
        if not is_late and not self._part_of_due.takes(self.part):
            self._backlog.inc()
            return False
        self._last_output_ns = wall_ns
        return True

    def _count_drops(self, next_wall_ns: int) -> None:
        """Count what the tap dropped before the packet of `next_wall_ns`."""
        dropped = self._tap.dropped_packets - self._seen_drops
        self._dropped.inc(dropped)
        self._seen_drops += dropped
        if dropped and self._newest_wall_ns:
            self.losses.add(self._newest_wall_ns, next_wall_ns, PartlyCause.OVERLOAD)
