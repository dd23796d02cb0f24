"""Records one camera. It receives packets in the pull thread, and passes them to its segments when
the disk writer calls it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from domain.clock import NS_PER_S, Clock
from domain.log import FloodGate
from domain.media.packet_batch import PacketBatch, PacketOrBatch, single_packets
from domain.media.packets import AudioPacket, Packet
from domain.metrics import PACKETS_DROPPED
from domain.paths.data_layout import Layout
from domain.settings import Settings
from ingest.recording.disk_writer import DiskWriter
from ingest.recording.segments import OnHole, Segments
from storage.recordings.free_space_reserve import events_bytes
from storage.recordings.virtual.layouts import RecordingIndex

FRAGMENT_S = 0.9
"""The approximate duration of a fragment. With the read interval and two turns of the writer it
determines the loss at `kill -9`.
"""
SHARE_BYTES = 2 << 20
"""The unwritten data that a camera may always hold. It may hold more while the cameras of the
worker have room.
"""
MAX_BYTES = 64 << 20
_PACKET_BYTES = 512
"""The memory of a packet in addition to its data; the same is assumed for a whole batch."""
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Recorder:
    """A sink of the camera's fan-out: `put` only appends and never blocks; everything else happens
    in the writer's thread.

    Packets that the disk does not accept in time are lost and counted, up to a keyframe. `on_hole`
    reports them when recording resumes.
    """

    def __init__(
        self,
        camera_id: str,
        layout: Layout,
        fence: Callable[[], int],
        settings: Settings,
        clock: Clock,
        writer: DiskWriter,
        on_hole: OnHole,
    ) -> None:
        """`fence` and `on_hole` are called in the writer's thread, which serves other cameras too.
        They must not wait for a network.
        """
        self.camera_id = camera_id
        self._clock = clock
        self._writer = writer
        self._idle_s = settings.source_timeout_s
        self._warn = FloodGate(_log.warning, clock)
        folder = layout.recordings_of(camera_id)
        self._make_segments = partial(
            Segments,
            camera_id,
            folder,
            fence,
            settings.segment_s,
            self._log_failure,
            on_hole,
            events_bytes(settings),
            RecordingIndex(layout.recording_index),
        )
        self._segments = self._make_segments()
        self._dropped = PACKETS_DROPPED.labels(camera_id, "recorder")
        # `append` and `popleft` of a deque are atomic, and each count has one writing thread: no
        # lock is needed.
        self._packets: deque[PacketOrBatch] = deque()
        self._sound: deque[AudioPacket] = deque()
        self._put_bytes = self._dequeued_bytes = 0
        self._refused_packets = self._counted_packets = self._warned_packets = (
            self._abandoned_packets
        ) = 0
        self._is_refusing = False
        """Whether packets are refused until a keyframe finds room."""
        self._refused_ns = 0
        """When packets were last refused for the first time."""
        now_s = clock.monotonic_s()
        self._last_s = now_s
        self.due_s = now_s + FRAGMENT_S
        self._is_scheduled = False
        """Whether packets wait for the turn at `due_s`."""
        self._batch_s = 0.0
        """The duration of the packets that the last read delivered together."""
        self._is_closed = False
        self._done = threading.Event()
        writer.add(self)

    @property
    def recorded_until_ns(self) -> int:
        """The wall time (UTC ns) up to which others can read the recording from disk; 0 before the
        first fragment.
        """
        return self._segments.recorded_until_ns

    @property
    def lost_packets(self) -> int:
        """The number of packets that are in no file: the disk refused them or was too slow, or no
        keyframe had arrived.
        """
        return self._refused_packets + self._abandoned_packets + self._segments.lost_packets

    @property
    def waiting_bytes(self) -> int:
        return self._put_bytes - self._dequeued_bytes

    def put(self, *received: PacketOrBatch) -> None:
        size_bytes = _size_bytes(received)
        if self._is_refusing or self._put_bytes - self._dequeued_bytes + size_bytes > SHARE_BYTES:
            for packet in single_packets(received):
                self._put_if_room(packet)
        else:
            self._put_bytes += size_bytes
            self._packets.extend(received)
        if not self._is_scheduled and self._packets:
            # The age of the oldest packet when it was read shows how much each read delivers.
            self._batch_s = max(
                0.0,
                min(FRAGMENT_S, (_pts_ns(received[-1], -1) - _pts_ns(received[0], 0)) / NS_PER_S),
            )
            self._is_scheduled, self.due_s = (
                True,
                self._clock.monotonic_s() + FRAGMENT_S - self._batch_s,
            )
            self._writer.schedule(self.due_s)

    def _put_if_room(self, packet: Packet) -> None:
        if (self._is_refusing or self.waiting_bytes > SHARE_BYTES) and self._refuses(packet):
            return
        self._put_bytes += len(packet.data) + _PACKET_BYTES
        self._packets.append(packet)

    def put_audio(self, packet: AudioPacket) -> None:
        if self._is_refusing:
            return
        self._put_bytes += len(packet.data) + _PACKET_BYTES
        self._sound.append(packet)

    def close(self) -> None:
        """Finish the open segment at the writer's next turn, because no more packets follow. `join`
        waits for that.
        """
        self._is_closed, self.due_s = True, 0.0
        self._writer.schedule(self.due_s)

    def join(self, timeout_s: float) -> bool:
        """Wait until everything is written. Return False if the disk hangs; recovery then finds the
        file.
        """
        return self._clock.wait(self._done, timeout_s)

    def step(self, now_s: float) -> bool:
        """Write the waiting packets; the writer calls it at `due_s`. Return False once closed and
        finished.
        """
        if self._is_closed:
            self._write(now_s)
            self._segments.close()
            self._count_lost()
            self._done.set()
            return False
        # The order matters: packets that arrive during `_write` are either written by it or get a
        # turn of their own. If a read delivers a whole fragment, the next turn follows the next
        # read. Otherwise it is due as early as the next packets may be, so that the writer needs no
        # wake-up.
        self.due_s, self._is_scheduled = (
            now_s + (2 * FRAGMENT_S if self._batch_s >= FRAGMENT_S else FRAGMENT_S - self._batch_s),
            False,
        )
        self._write(now_s)
        return True

    def abandon(self) -> None:
        self._abandoned_packets += self._segments.lost_packets
        self._segments = self._make_segments()

    def _write(self, now_s: float) -> None:
        self._segments.refused(self._refused_ns)
        packets, sound = _drained(self._packets), _drained(self._sound)
        self._dequeued_bytes += _size_bytes(packets) + _size_bytes(sound)
        self._segments.write(packets, sound)
        if packets:
            self._last_s = now_s
        elif now_s - self._last_s > self._idle_s:
            self._segments.close()
        self._count_lost()

    def _refuses(self, packet: Packet) -> bool:
        """Return whether `packet` is refused: there is no room, or an earlier packet was refused
        and this is no keyframe.
        """
        if (self._is_refusing and not packet.is_keyframe) or not self._has_room():
            if not self._is_refusing:
                self._is_refusing, self._refused_ns = True, packet.wall_ns
            self._refused_packets += 1
            self._dropped.inc()
            return True
        self._is_refusing = False
        return False

    def _has_room(self) -> bool:
        waiting_bytes = self.waiting_bytes
        return waiting_bytes < SHARE_BYTES or (
            waiting_bytes < MAX_BYTES and self._writer.has_room()
        )

    def _count_lost(self) -> None:
        lost = self.lost_packets - self._warned_packets
        if lost > 0:
            self._warn("lost", f"camera {self.camera_id}: {lost} packets were not recorded")
            self._warned_packets += lost
        refused = self._abandoned_packets + self._segments.lost_packets
        if refused > self._counted_packets:
            self._dropped.inc(refused - self._counted_packets)
            self._counted_packets = refused

    def _log_failure(self, sentence: str) -> None:
        self._warn(
            sentence, f"camera {self.camera_id}: {sentence}; recording resumes at the next keyframe"
        )


def _size_bytes(received: Sequence[PacketOrBatch] | Sequence[AudioPacket]) -> int:
    return sum([len(one.data) + _PACKET_BYTES for one in received])


def _pts_ns(one: PacketOrBatch, at: int) -> int:
    return one.pts_ns[at] if isinstance(one, PacketBatch) else one.pts_ns


def _drained(queue: deque[_T]) -> list[_T]:
    return [queue.popleft() for _ in range(len(queue))] if queue else []
