"""One camera's recorder: takes packets in the puller's thread, and hands them to its segments
when the disk writer gives it its turn.
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

FRAGMENT_S = 0.9
"""Of packets in a fragment, about: with the time between two reads and two turns of the writer,
that is what `kill -9` costs.
"""
SHARE_BYTES = 2 << 20
"""What a camera may always hold; more only while the worker's cameras together have room."""
MAX_BYTES = 64 << 20
_PACKET_BYTES = 512
"""What a packet takes beside its data; so do those of a run together."""
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Recorder:
    """A `Sink` of the camera's fan-out: `put` only appends, and never waits; all else happens in
    the writer's thread.

    What the disk does not take in time is lost and counted, up to a keyframe, and reported by
    `on_hole` when recording goes on.
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
        """`fence` and `on_hole` are called in the writer's thread, which serves other cameras
        too: they must not wait for a network.
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
            self._tell,
            on_hole,
            events_bytes(settings),
        )
        self._segments = self._make_segments()
        self._dropped = PACKETS_DROPPED.labels(camera_id, "recorder")
        # A deque's append and popleft, and each of the counts by its own thread alone, need no
        # lock.
        self._packets: deque[PacketOrBatch] = deque()
        self._sound: deque[AudioPacket] = deque()
        self._put_bytes = self._taken_bytes = 0
        self._refused_packets = self._counted_packets = self._warned_packets = (
            self._abandoned_packets
        ) = 0
        self._is_held_up = False
        """Packets are refused until a keyframe finds room."""
        self._refused_ns = 0
        """When that began, the last time it did."""
        now_s = clock.monotonic_s()
        self._last_s = now_s
        self.due_s = now_s + FRAGMENT_S
        self._has_begun = False
        """Something waits, and is due then."""
        self._read_s = 0.0
        """Of packets, what came at once the last time."""
        self._is_closed = False
        self._done = threading.Event()
        writer.add(self)

    @property
    def recorded_until_ns(self) -> int:
        """Wall time (UTC ns) up to which what the camera sent can be read from disk by others;
        0 before there is anything.
        """
        return self._segments.recorded_until_ns

    @property
    def lost_packets(self) -> int:
        """Packets that are in no file: the disk refused them or did not take them in time, or
        no keyframe had come.
        """
        return self._refused_packets + self._abandoned_packets + self._segments.lost_packets

    @property
    def waiting_bytes(self) -> int:
        return self._put_bytes - self._taken_bytes

    def put(self, *received: PacketOrBatch) -> None:
        size_bytes = _size_bytes(received)
        if self._is_held_up or self._put_bytes - self._taken_bytes + size_bytes > SHARE_BYTES:
            for packet in single_packets(received):
                self._put_if_room(packet)
        else:
            self._put_bytes += size_bytes
            self._packets.extend(received)
        if not self._has_begun and self._packets:
            # How old the first that waits was when it was read: with those read with it, that is
            # how much came at once.
            self._read_s = max(
                0.0,
                min(FRAGMENT_S, (_pts_ns(received[-1], -1) - _pts_ns(received[0], 0)) / NS_PER_S),
            )
            self._has_begun, self.due_s = (
                True,
                self._clock.monotonic_s() + FRAGMENT_S - self._read_s,
            )
            self._writer.expect(self.due_s)

    def _put_if_room(self, packet: Packet) -> None:
        if (self._is_held_up or self.waiting_bytes > SHARE_BYTES) and self._refuses(packet):
            return
        self._put_bytes += len(packet.data) + _PACKET_BYTES
        self._packets.append(packet)

    def put_audio(self, packet: AudioPacket) -> None:
        if self._is_held_up:
            return
        self._put_bytes += len(packet.data) + _PACKET_BYTES
        self._sound.append(packet)

    def close(self) -> None:
        """No more packets come: the writer finishes the open segment at its next turn. `join`
        waits for that.
        """
        self._is_closed, self.due_s = True, 0.0
        self._writer.expect(self.due_s)

    def join(self, timeout_s: float) -> bool:
        """Whether all is written and finished within the time. False where the disk hangs:
        `salvage` will find the file.
        """
        return self._clock.wait(self._done, timeout_s)

    def step(self, now_s: float) -> bool:
        """The writer's turn, at `due_s`. False once closed and finished."""
        if self._is_closed:
            self._write(now_s)
            self._segments.close()
            self._count_lost()
            self._done.set()
            return False
        # In this order: what is put while the others are taken out either goes with them, or has a
        # turn of its own. Where a read gives a fragment, nothing is due before the next; else as
        # soon as what comes next may be, so that the writer need not be told.
        self.due_s, self._has_begun = (
            now_s + (2 * FRAGMENT_S if self._read_s >= FRAGMENT_S else FRAGMENT_S - self._read_s),
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
        self._taken_bytes += _size_bytes(packets) + _size_bytes(sound)
        self._segments.write(packets, sound)
        if packets:
            self._last_s = now_s
        elif now_s - self._last_s > self._idle_s:
            self._segments.close()
        self._count_lost()

    def _refuses(self, packet: Packet) -> bool:
        """Whether there is no room for `packet`, or one before it had none and this is no
        keyframe to go on from.
        """
        if (self._is_held_up and not packet.is_keyframe) or not self._has_room():
            if not self._is_held_up:
                self._is_held_up, self._refused_ns = True, packet.wall_ns
            self._refused_packets += 1
            self._dropped.inc()
            return True
        self._is_held_up = False
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

    def _tell(self, sentence: str) -> None:
        self._warn(
            sentence, f"camera {self.camera_id}: {sentence}; recording resumes at the next keyframe"
        )


def _size_bytes(received: Sequence[PacketOrBatch] | Sequence[AudioPacket]) -> int:
    return sum([len(one.data) + _PACKET_BYTES for one in received])


def _pts_ns(one: PacketOrBatch, at: int) -> int:
    return one.pts_ns[at] if isinstance(one, PacketBatch) else one.pts_ns


def _drained(queue: deque[_T]) -> list[_T]:
    return [queue.popleft() for _ in range(len(queue))] if queue else []
