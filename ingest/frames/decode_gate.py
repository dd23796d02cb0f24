"""Motion-gated decoding: a checkpoint's packets are held while nothing moves, and decoded in a
burst once something does.

The sizes of packets show whether something moves (`still_detection.py`). While the gate is closed
it holds the packets (`held_packets.py`), and releases a keyframe now and then, to find what moved
too slowly to be seen in packet sizes. A reader that is late learns too late that nothing is in
view, so it skips the packets that the gate would have held.

While the worker is behind, each group of pictures is held from its keyframe until its packets show
motion. It is then decoded as a whole, or not at all (`group_admission.py`).

`decode_control.py` describes how gate, reader and analysis work together.
"""

from __future__ import annotations

from domain.clock import NS_PER_S
from domain.media.fanout import Tap
from domain.media.packet_batch import PacketOrBatch, single_packets
from domain.media.packets import AudioPacket, Packet
from ingest.frames.admission import Admission, AdmitAll
from ingest.frames.decode_control import Burst, DecodeControl
from ingest.frames.group_admission import GroupAdmission
from ingest.frames.held_packets import HeldPackets
from ingest.frames.still_detection import StillDetection

PROBE_EVERY_NS = 60 * NS_PER_S


class DecodeGate(DecodeControl):
    """A sink of the fan-out, called in the thread that pulls the camera.

    The analysis thread calls the methods of `DecodeControl`, and no others.
    """

    def __init__(self, camera_id: str, tap: Tap, admission: Admission | None = None) -> None:
        """Put the packets to decode into `tap`, which one `FrameReader` empties.

        Without an `admission` no group of pictures is left out because of overload.
        """
        self._held = HeldPackets(tap)
        self._sizes = StillDetection(camera_id)
        self._group = GroupAdmission(admission or AdmitAll())
        self._was_limited = False
        """Whether a group was held because the worker was behind, since the gate last opened."""
        self._session: int | None = None
        self._ahead_ns = 0
        """How far the clock of the camera is ahead of ours."""
        self._nothing_in_view = False
        self._is_closed = False
        self._burst = Burst()
        self._probed_ns = 0

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    @property
    def expects_nothing(self) -> bool:
        return self._is_closed and self._nothing_in_view

    @property
    def undecided_from_ns(self) -> int | None:
        return self._group.undecided_from_ns

    @property
    def burst(self) -> Burst:
        return self._burst

    @property
    def group_ns(self) -> int:
        return self._group.usual_ns

    @property
    def coming_packets(self) -> int:
        """The packets of the current group that will arrive and be decoded, as far as is known.

        Any thread may read it.
        """
        return 0 if self._is_closed else self._group.coming_packets

    def done_until_ns(self, now_ns: int) -> int:
        """Return until when the packets were put into the tap, showed no motion, or were reported
        as not decoded, by the clock of the camera. `now_ns` is the present time.

        Any thread may call it.
        """
        held_ns = self._group.unreported_from_ns
        return self.camera_ns(now_ns) if held_ns is None else held_ns

    def camera_ns(self, now_ns: int) -> int:
        """Return the present time by the clock of the camera. `now_ns` is that of this machine.

        Any thread may call it.
        """
        return now_ns + self._ahead_ns

    def quiet_until_ns(self, wall_ns: int, /) -> int:
        return self._sizes.still_until_ns(wall_ns) if self._nothing_in_view else 0

    def skipped_from_ns(self, wall_ns: int, /) -> int | None:
        return self._held.skipped_from_ns(wall_ns)

    def on_appeared(self, wall_ns: int, /) -> None:
        self._sizes.on_appeared(wall_ns)

    def on_analysed(self, *, is_in_view: bool) -> None:
        self._nothing_in_view = not is_in_view

    def put(self, *received: PacketOrBatch) -> None:
        for packet in single_packets(received):
            self._put(packet)

    def end(self) -> None:
        """Report what was not decoded of the current group, after the last packet."""
        self._group.end_session()

    def put_audio(self, packet: AudioPacket) -> None:
        """Ignore audio, which is not analysed."""

    def _put(self, packet: Packet) -> None:
        if packet.stream.session != self._session:
            self._start_session(packet)
        self._ahead_ns = packet.wall_ns - packet.received_ns
        is_still_window = self._sizes.put(packet)
        self._held.hold(packet)
        self._group.put(packet)
        if self._group.is_limited:
            self._put_limited(packet)
            self._group.note_undecided(packet, is_still_window=is_still_window)
        elif not self._is_closed:
            self._was_limited = False
            self._held.put(packet)
            if self._may_close():
                self._is_closed = True
                self._probed_ns = packet.wall_ns
        elif not self._may_close():
            self._open(packet)
        elif packet.is_keyframe and packet.wall_ns - self._probed_ns >= PROBE_EVERY_NS:
            self._probed_ns = packet.wall_ns
            self._burst = Burst(packet.wall_ns, packet.wall_ns)
            self._held.put_alone(packet)

    def _put_limited(self, packet: Packet) -> None:
        """Hold a group until it shows motion, and then decode it if it is admitted.

        `burst` stays as it is, because the reader may still be decoding earlier packets.
        """
        if packet.is_keyframe:
            self._is_closed = self._was_limited = True
            self._held.drop_earlier_group()
            if packet.wall_ns - self._probed_ns >= PROBE_EVERY_NS:
                self._probed_ns = packet.wall_ns
                self._held.release(packet.received_ns)
        may_move = self._sizes.may_move(packet) or not self._held.fits
        if self._group.is_waiting and may_move:
            self._group.decide(len(self._held))
        if not self._group.is_admitted:
            return
        if self._is_closed and may_move:
            self._is_closed = False
            self._held.release(packet.received_ns)
        elif not self._is_closed:
            self._held.put(packet)
            is_still = self._sizes.is_last_window_still and not may_move
            self._is_closed = self._nothing_in_view and is_still

    def _start_session(self, packet: Packet) -> None:
        self._group.end_session()
        self._session = packet.stream.session
        self._sizes.start_session()
        self._held.start_session()
        self._is_closed = False
        if packet.wall_ns < self._burst.to_ns:  # the clock was set back
            self._burst = Burst()
        self._probed_ns = min(self._probed_ns, packet.wall_ns)

    def _may_close(self) -> bool:
        return self._nothing_in_view and self._sizes.is_still and self._held.fits

    def _open(self, packet: Packet) -> None:
        """Release the held packets in a burst, from a keyframe or from where decoding stopped.

        Frames from before the motion are not analysed, unless the worker was just behind: the
        reader may then still be decoding earlier packets.
        """
        from_ns = None if self._was_limited else self._sizes.motion_from_ns(packet)
        if from_ns is not None:
            self._burst = Burst(from_ns, packet.wall_ns)
        self._is_closed = self._was_limited = False
        self._held.release(packet.received_ns, from_ns)
