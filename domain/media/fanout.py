"""A bounded fan-out of packets: the reader of one camera feeds recorder, decoder and live viewers,
and waits for none of them.

Each tap has its own queue. A full tap drops its packets and resumes at the newest keyframe, because
decoders and viewers need the present; every loss is counted. `put` never blocks. A recorder needs
every packet, and is therefore a sink.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from domain.media.packet_batch import PacketBatch, PacketOrBatch, single_packets
from domain.media.packets import AudioPacket, Packet, StreamInfo

MAX_SOUND_PACKETS = 128
"""The sound that waits for one listener: some seconds of it."""


class Tap:
    """The queue of one consumer, bounded in packets and in bytes. It is thread-safe: one reader
    puts, one consumer takes.
    """

    def __init__(self, name: str, max_packets: int, max_bytes: int) -> None:
        self.name = name
        self.dropped_packets = 0
        self.first_ns: int | None = None
        """The wall time of the first packet that was put; None before."""
        self.taken_packets = 0
        """How many packets the last `take` returned, less those that the consumer subtracts when
        they are done.
        """
        self._max_packets = max_packets
        self._max_bytes = max_bytes
        self._queue: deque[Packet] = deque()
        self._bytes = 0
        self._wants_keyframe = True
        self._closed = False
        self._ready = threading.Condition()

    def put(self, packet: Packet) -> None:
        with self._ready:
            if self._closed:
                return
            if self._wants_keyframe and not packet.is_keyframe:
                self.dropped_packets += 1
                return
            if self._is_full(packet) and not self._make_room(packet):
                return
            self._wants_keyframe = False
            if self.first_ns is None:
                self.first_ns = packet.wall_ns
            self._queue.append(packet)
            self._bytes += packet.size_bytes
            self._ready.notify()

    def take(self, timeout_s: float | None = None) -> list[Packet]:
        """Return all waiting packets in order. The list is empty after `timeout_s` without a
        packet, or once the tap is closed and drained.
        """
        with self._ready:
            self._ready.wait_for(lambda: bool(self._queue) or self._closed, timeout_s)
            packets = list(self._queue)
            self.taken_packets = len(packets)  # first, because other threads add both numbers
            self._queue.clear()
            self._bytes = 0
            return packets

    def discard(self) -> None:
        """Drop all waiting packets, and those that follow up to the next keyframe."""
        with self._ready:
            self.dropped_packets += len(self._queue)
            self._queue.clear()
            self._bytes = 0
            self._wants_keyframe = True

    @property
    def waiting_packets(self) -> int:
        """The packets that were not taken yet."""
        return len(self._queue)

    def __iter__(self) -> Iterator[Packet]:
        """Yield packets until the tap is closed and drained."""
        while True:
            packets = self.take()
            if not packets:
                return
            yield from packets

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    def _is_full(self, packet: Packet) -> bool:
        return (
            len(self._queue) >= self._max_packets
            or self._bytes + packet.size_bytes > self._max_bytes
        )

    def _make_room(self, packet: Packet) -> bool:
        self.dropped_packets += len(self._queue)
        self._queue.clear()
        self._bytes = 0
        if packet.is_keyframe:
            return True
        self.dropped_packets += 1
        self._wants_keyframe = True
        return False


class SoundTap:
    """The queue of one listener's sound, bounded in packets: a full one drops the oldest packet.
    It is thread-safe: one reader puts, one consumer takes.
    """

    def __init__(self, max_packets: int = MAX_SOUND_PACKETS) -> None:
        self.dropped_packets = 0
        self.closed = False
        self._queue: deque[AudioPacket] = deque(maxlen=max_packets)
        self._ready = threading.Condition()

    def put(self, packet: AudioPacket) -> None:
        with self._ready:
            self.dropped_packets += len(self._queue) == self._queue.maxlen
            self._queue.append(packet)
            self._ready.notify()

    def take(self, timeout_s: float) -> list[AudioPacket]:
        """Return all waiting packets in order; none after `timeout_s`, or if the tap is closed."""
        with self._ready:
            self._ready.wait_for(lambda: bool(self._queue) or self.closed, timeout_s)
            packets = list(self._queue)
            self._queue.clear()
            return packets

    def close(self) -> None:
        with self._ready:
            self.closed = True
            self._ready.notify_all()


class Sink(Protocol):
    """A consumer that receives every packet in the reader's own thread, and therefore must never
    block.
    """

    def put(self, *received: PacketOrBatch) -> None: ...

    def put_audio(self, packet: AudioPacket, /) -> None: ...


class Fanout:
    """The taps and sinks of one camera. Any thread may open and close taps while packets flow.

    It holds the packets since the last keyframe, so that a new viewer need not wait for the next
    one. It holds none if they exceed `held_packets` or `held_bytes`.
    """

    def __init__(self, held_packets: int = 300, held_bytes: int = 8 << 20) -> None:
        self._taps: tuple[Tap, ...] = ()
        self._sound_taps: tuple[SoundTap, ...] = ()
        self._sinks: tuple[Sink, ...] = ()
        self._is_waiting: dict[Sink, Callable[[], bool]] = {}
        self.on_tap: Callable[[], None] = _do_nothing
        """A callback after a tap was opened, called in the opening thread."""
        self._lock = threading.Lock()
        self._held: list[PacketOrBatch] = []
        self._held_packets = self._held_bytes = 0
        self._most_held_packets = held_packets
        self._most_held_bytes = held_bytes

    def open(
        self, name: str, max_packets: int = 512, max_bytes: int = 32 << 20, from_held: bool = False
    ) -> Tap:
        """Open a new tap. With `from_held` it begins with the packets since the last keyframe,
        without loss or duplicates.
        """
        tap = Tap(name, max_packets, max_bytes)
        with self._lock:
            for packet in single_packets(self._held if from_held else ()):
                tap.put(packet)
            self._taps = (*self._taps, tap)
        self.on_tap()
        return tap

    def close(self, tap: Tap) -> None:
        with self._lock:
            self._taps = tuple(other for other in self._taps if other is not tap)
        tap.close()

    def open_sound(self) -> SoundTap:
        """Open a tap of the sound from now on. Without one, sound is passed to the sinks only."""
        tap = SoundTap()
        with self._lock:
            self._sound_taps = (*self._sound_taps, tap)
        self.on_tap()
        return tap

    def close_sound(self, tap: SoundTap) -> None:
        with self._lock:
            self._sound_taps = tuple(other for other in self._sound_taps if other is not tap)
        tap.close()

    def attach(self, sink: Sink, is_waiting: Callable[[], bool] | None = None) -> None:
        """Pass every packet, audio included, to `sink` from now on. `is_waiting` returns whether
        the sink needs packets without delay.
        """
        with self._lock:
            self._sinks = (*self._sinks, sink)
            if is_waiting is not None:
                self._is_waiting[sink] = is_waiting

    def detach(self, sink: Sink) -> None:
        with self._lock:
            self._sinks = tuple(other for other in self._sinks if other is not sink)
            self._is_waiting.pop(sink, None)

    def put(self, *received: PacketOrBatch) -> None:
        """Distribute packets that were received together, in order. A batch is split into single
        packets only for taps.
        """
        with self._lock:
            self._hold(received)
            for sink in self._sinks:
                sink.put(*received)
            for packet in single_packets(received) if self._taps else ():
                for tap in self._taps:
                    tap.put(packet)

    def put_audio(self, packet: AudioPacket) -> None:
        """Pass audio to the sinks, and to the viewers who listen. They share the packet."""
        for sink in self._sinks:
            sink.put_audio(packet)
        for tap in self._sound_taps:
            tap.put(packet)

    def _hold(self, received: Sequence[PacketOrBatch]) -> None:
        for one in received:
            if one.is_keyframe:
                self._held, self._held_packets, self._held_bytes = [one], 1, len(one.data)
            elif self._held:
                self._held.append(one)
                self._held_packets += one.count if isinstance(one, PacketBatch) else 1
                self._held_bytes += len(one.data)
        if self._held_packets > self._most_held_packets or self._held_bytes > self._most_held_bytes:
            self._held = []

    def forget(self) -> None:
        """Drop the held packets of an ended connection, which a new viewer would take for live
        video.
        """
        with self._lock:
            self._held = []

    def close_all(self) -> None:
        with self._lock:
            taps, self._taps = self._taps, ()
            sound_taps, self._sound_taps = self._sound_taps, ()
            self._held = []
        for tap in taps:
            tap.close()
        for sound_tap in sound_taps:
            sound_tap.close()

    @property
    def has_waiting_consumer(self) -> bool:
        """Whether a consumer waits for the next packet. A viewer does, a sink if its `is_waiting`
        says so, a recorder never.
        """
        with self._lock:
            return bool(self._taps or self._sound_taps) or any(
                ask() for ask in self._is_waiting.values()
            )

    @property
    def may_need_packets_soon(self) -> bool:
        """Whether a sink may start to wait because of the packets that it receives."""
        return bool(self._is_waiting)

    @property
    def newest_stream(self) -> StreamInfo | None:
        """The parameters of the held packets; None if there are none."""
        with self._lock:
            return self._held[-1].stream if self._held else None

    @property
    def sound_taps(self) -> tuple[SoundTap, ...]:
        return self._sound_taps

    @property
    def taps(self) -> tuple[Tap, ...]:
        return self._taps


def _do_nothing() -> None:
    """Serve as the default callback."""
