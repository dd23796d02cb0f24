"""Frames for analytics: the packets of a tap are decoded in software, and frames that are due are
given to the caller.

Decoding cannot skip single packets, because each picture builds on those before it. The loop filter
and the conversion to BGR can be saved. Frames that are not due, that analytics is too late for, or
in which nothing moves therefore stay YUV. The recorder has a tap of its own, and never waits.

`decode_control.py` describes who decides which packets reach the tap, and the order of the calls.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import groupby

import av

from domain import metrics
from domain.clock import NS_PER_S, Clock
from domain.cpu_time import CpuTime
from domain.media.fanout import Tap
from domain.media.packets import Frame, Packet
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause
from ingest.frames.analysis_losses import AnalysisLosses, OngoingLoss
from ingest.frames.decode_control import DecodeControl, DecodeEverything
from ingest.frames.decoder_devices import DecoderDevices
from ingest.frames.frame_decoder import Decoded, FrameDecoder
from ingest.frames.frame_rate import LONGEST_BURST_NS, FrameRate
from ingest.frames.settled_rest import SettledRest
from ingest.frames.turn import DecodeAnyTime, DecodeTurn
from ingest.health.decode_failures import DecodeFailures
from ingest.health.freeze_detection import Moment

IDLE_S = 0.25
"""Without packets for this long, the reader yields None, so that the caller notices that time has
passed.
"""
CLOSED_GATE_IDLE_S = 2.0
"""The same while the decode gate is closed and nothing is in view."""
TOO_LATE_NS = 5 * NS_PER_S
"""A reader that is this far behind continues at the newest keyframe that it has. To catch up would
take longer than what it would find is worth, because later passings are missed meanwhile.
"""
_DECODE = metrics.ANALYSIS_CPU_S.labels("decode")


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
        turn: DecodeTurn | None = None,
    ) -> None:
        """Decode the packets of `tap`, and report to `failures` which of them cannot be decoded.

        `control` is the gate that puts packets into the tap; without one, all packets are decoded.
        `losses` receives the ranges in which passings may be missed. `devices` may decode the
        pictures; without them, software does, in turns of `turn`.
        """
        self._turn: DecodeTurn = turn or DecodeAnyTime()
        self._devices = devices
        self.losses = losses or AnalysisLosses()
        self._failures = failures or DecodeFailures()
        self._control: DecodeControl = control or DecodeEverything()
        self._tap = tap
        self._clock = clock
        self.rate = FrameRate(fps, camera_id, self.losses)
        """With 0 frames a second nothing is decoded."""
        self._rest = SettledRest(camera_id, self._control, self.losses)
        self._camera_id = camera_id
        self.arrived_ns: int | None = None
        """When the packet of the last frame arrived, or None if the gate held it before."""
        self._newest_wall_ns = 0
        self._newest_session: int | None = None
        self._decoder: FrameDecoder | None = None
        self._wants_keyframe = True
        self._loss = OngoingLoss(self.losses)
        """The loss after a failure, or while the rate is 0."""
        self._given_up: PartlyAnalysed | None = None
        """What `give_up` reported, until the analysis thread continues. It ends before it starts
        after a clock was set back.
        """
        self._giving_up = threading.Lock()
        self._decoded = metrics.FRAMES_DECODED.labels(camera_id)
        self.decoded_packets = 0
        """The packets that were decoded since the start. Any thread may read it."""
        self._taken_ns = 0
        """The wall time of the packet that was decoded or left out last, or is in work."""
        self._dropped = metrics.PACKETS_DROPPED.labels(camera_id, tap.name)
        self._seen_drops = 0
        self._broken = metrics.PACKETS_BROKEN.labels(camera_id, "decoder")

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
        waiting = self._tap.waiting_packets  # first: a packet may be taken between the two
        return waiting + self._tap.taken_packets

    @property
    def undone_from_ns(self) -> int | None:
        """From when pictures wait to be given or reported as lost; None if there are none, and 0
        before the first packet was taken.

        Any thread may read it.
        """
        given_up, loss_ns = self._given_up, self._loss.from_ns
        undone_ns = [] if given_up is None else [given_up.start_ns]
        if loss_ns is not None:
            undone_ns.append(loss_ns)
        if self.waiting_packets or self._tap.dropped_packets != self._seen_drops:
            undone_ns.append(self._taken_ns)
        return min(undone_ns, default=None)

    @property
    def progress(self) -> tuple[int, int]:
        """Two numbers that change as packets are decoded or left out. Any thread may read it."""
        return self._taken_ns, self.decoded_packets

    @property
    def is_given_up(self) -> bool:
        """Whether the analysis thread has not continued since `give_up`. Any thread may read it."""
        return self._given_up is not None

    def give_up(self, until_ns: int, cause: PartlyCause = PartlyCause.ANALYSIS_STOPPED) -> None:
        """Report that nothing from the packet in work to `until_ns` is analysed, and drop the
        packets that wait.

        One other thread calls it repeatedly while the analysis thread stands still, because of
        `cause`.
        If that thread continues after all, it does so at the next keyframe, and the loss ends
        there.
        """
        with self._giving_up:
            if self._given_up is None:
                from_ns = self._taken_ns or self._tap.first_ns or until_ns
                self._given_up = PartlyAnalysed(from_ns, from_ns, cause)
            from_ns, before_ns, _ = self._given_up
            if before_ns - until_ns > LONGEST_BURST_NS:  # the clock was set back
                before_ns = until_ns
            self._tap.discard()
            self.losses.add(before_ns, until_ns, cause)
            self._given_up = PartlyAnalysed(from_ns, max(before_ns, until_ns), cause)

    def _resume(self) -> None:
        """Continue at the next keyframe if a time was given up."""
        with self._giving_up:
            if self._given_up is None:
                return
            from_ns, until_ns, cause = self._given_up
            self._lose_from(from_ns)
            self._loss.begin(until_ns, until_ns, cause)
            self._given_up = None
        self._count_drops(until_ns)

    def _lose_from(self, wall_ns: int) -> None:
        """End all losses at this time, because another one begins, and wait for a keyframe. A new
        decoder has no pictures from before.
        """
        self._rest.end(wall_ns)
        self._loss.end(wall_ns)
        self._wants_keyframe, self._decoder = True, None

    @property
    def groups(self) -> int:
        """How many groups of pictures were begun, the last one by the last frame or before it."""
        return self._rest.groups

    @property
    def rest_ns(self) -> int:
        """The time from the last frame to the end of its group, if that is as long as the last."""
        return self._rest.rest_ns(self.rate.last_given_ns)

    def skip_group(self) -> bool:
        """Do not decode the rest of the group of the last frame.

        Return False if all of it is decoded already, so that nothing is left out. The analysis
        thread calls it between two frames.
        """
        is_skipped = self._rest.begin(self.rate.last_given_ns)
        self._wants_keyframe = self._wants_keyframe or is_skipped
        return is_skipped

    def __iter__(self) -> Iterator[Frame | None]:
        if self._tap.taken_packets:
            self._lose_rest()
        try:
            yield from self._read()
        finally:
            self._turn.end()

    def _lose_rest(self) -> None:
        """Report the packets that an iteration before this one had not given when its caller failed
        and left it.
        """
        self._lose_from(self._taken_ns)
        self._loss.begin(self._taken_ns, self._taken_ns + 1, PartlyCause.ANALYSIS_STOPPED)
        self._drop_rest()

    def _drop_rest(self) -> None:
        """Count the packets after the one in work as dropped."""
        self._dropped.inc(self._tap.taken_packets - 1)
        self._tap.taken_packets = 0

    def _read(self) -> Iterator[Frame | None]:
        while True:
            self._turn.end()
            self._resume()
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
            if self.rate.is_zero:
                # Later packets build on those that are not decoded now.
                self._wants_keyframe = True
                self._rest.end(packets[0].wall_ns)
                for from_ns, to_ns in _spans(packets):
                    self._loss.begin(from_ns, to_ns, PartlyCause.OVERLOAD)
                self._tap.taken_packets, self._taken_ns = 0, packets[-1].wall_ns
                yield None
                continue
            self._note_newest(packets[-1])
            for packet in self._needed(packets):
                for frame in self._frames(packet):
                    self._turn.end()
                    yield frame
                if self.is_given_up:
                    self._drop_rest()
                    break
            self._tap.taken_packets = 0

    def _note_newest(self, packet: Packet) -> None:
        """Note the newest packet. The clock may have been set back before a new session: its
        packets are not late because those of the session before have later times.
        """
        if packet.stream.session != self._newest_session is not None:
            self._newest_wall_ns = 0
        self._newest_session = packet.stream.session
        self._newest_wall_ns = max(self._newest_wall_ns, packet.wall_ns)

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
                    self._rest.end(packets[at].wall_ns)
                    at = still[-1]
            self._tap.taken_packets, self._taken_ns = len(packets) - at, packets[at].wall_ns
            yield packets[at]
            at += 1

    def _is_too_late(self, packet: Packet) -> bool:
        late_ns = self._clock.wall_ns() - packet.received_ns
        return TOO_LATE_NS < late_ns < LONGEST_BURST_NS

    def _skip(self, packets: Sequence[Packet]) -> None:
        """Count the packets before the last one of these, which is decoded next."""
        self._rest.end(packets[0].wall_ns)
        self._dropped.inc(len(packets) - 1)
        for from_ns, to_ns in _spans(packets):
            self.losses.add(from_ns, to_ns, PartlyCause.OVERLOAD)

    def _frames(self, packet: Packet) -> Iterator[Frame]:
        decoder = self._decoder
        is_new = decoder is None or decoder.stream != packet.stream
        self._rest.on_packet(packet)
        if not packet.is_keyframe and (is_new or self._wants_keyframe):
            return
        self._rest.on_decoded(packet)
        self._end_loss_before(packet)
        if decoder is None or is_new:
            decoder = self._decoder = FrameDecoder(packet.stream, self._devices, self._turn)
            self.rate.start_session()
        self._wants_keyframe = False
        try:
            with CpuTime(_DECODE):
                decoded = decoder.decode(packet)
            self.decoded_packets += 1
        except av.FFmpegError:
            self._count_failure()
            self._loss.begin(packet.wall_ns, packet.wall_ns + 1, PartlyCause.DECODER)
            self._wants_keyframe = True
            if self._devices is not None and self._devices.exclude(self._camera_id):
                self._decoder = None
            return
        for picture, source in decoded:
            self._decoded.inc()
            self._rest.on_picture(source)
            if picture.is_corrupt:
                self._count_failure()
                self._loss.begin(source.wall_ns, source.wall_ns + 1, PartlyCause.DECODER)
                continue
            self._failures.decoded()
            if not self._rest.is_before_group:
                # Reordered pictures from before a failure are returned after the next keyframe.
                self._loss.end(source.wall_ns)
            burst = self._control.burst
            if self.rate.is_due(source.wall_ns, self._newest_wall_ns, burst):
                was_held = source.wall_ns <= burst.to_ns
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

    def _end_loss_before(self, packet: Packet) -> None:
        """End a loss where the gate held the packets before this one, which is a keyframe then:
        they showed no motion.
        """
        if self._loss.from_ns is not None and packet.is_keyframe:
            held_ns = self._control.skipped_from_ns(packet.wall_ns)
            if held_ns is not None:
                self._loss.end(held_ns)

    def _count_failure(self) -> None:
        self._broken.inc()
        self._failures.failed(Moment(self._clock.monotonic_s(), self._clock.steady_ns()))

    def _count_drops(self, next_wall_ns: int) -> None:
        """Count what the tap dropped before the packet of `next_wall_ns`.

        A loss that continues covers it. Before the first packet the models were being loaded.
        """
        dropped = self._tap.dropped_packets - self._seen_drops
        self._dropped.inc(dropped)
        self._seen_drops += dropped
        if not dropped or self._loss.from_ns is not None:
            return
        if self._newest_wall_ns:
            self.losses.add(self._newest_wall_ns, next_wall_ns, PartlyCause.OVERLOAD)
        elif self._tap.first_ns is not None:
            self.losses.add(self._tap.first_ns, next_wall_ns, PartlyCause.RESTART)


def _spans(packets: Sequence[Packet]) -> Iterator[tuple[int, int]]:
    """Yield the times of the first and the last packet of each session. The clock may have been set
    back between two sessions.
    """
    for _, of_session in groupby(packets, lambda packet: packet.stream.session):
        first, *others = of_session
        yield first.wall_ns, others[-1].wall_ns if others else first.wall_ns
