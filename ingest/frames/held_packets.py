"""The last packets of a checkpoint, which a decode gate may still put into the tap of the decoder.

They begin with a keyframe, because decoding begins at one. No packet is put into the tap twice,
except for a keyframe that was put alone.
"""

from __future__ import annotations

from dataclasses import replace

from domain.media.fanout import Tap
from domain.media.packets import Packet

MOST_SKIPPED = 64
"""The tap cannot hold packets after more intervals that were skipped than this, with at least a few
packets between two of them.
"""
HELD_PACKETS, HELD_BYTES = 200, 12 << 20
"""The limits are below those of the tap. If a stream has more between two keyframes, every packet
is decoded.
"""


class HeldPackets:
    """The packets since the last keyframe but one, as far as the limits allow. The pull thread
    calls it.
    """

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._held: list[Packet] = []
        self._bytes = 0
        self._keyframe_at = 0
        """The index of the last keyframe in `_held`."""
        self._released = 0
        """How many packets at the start of `_held` the decoder has had without a gap."""
        self._last_ns: int | None = None
        """The time of the newest packet."""
        self._skipped_from_ns: int | None = None
        """Since when packets are not put into the tap, or none arrived."""
        self._skipped: tuple[tuple[int, int], ...] = ()
        """The last intervals of which no packet was put into the tap, each up to one that was."""

    @property
    def fits(self) -> bool:
        """Whether the packets since the last keyframe are held, and are within the limits."""
        return 0 < len(self._held) < HELD_PACKETS and self._bytes < HELD_BYTES

    def __len__(self) -> int:
        return len(self._held)

    def skipped_from_ns(self, wall_ns: int) -> int | None:
        """Return since when the packets directly before the one of `wall_ns` were not put into the
        tap, or did not arrive. Return None if it follows the packet before it. Any thread may call
        it.
        """
        return next((from_ns for from_ns, to_ns in self._skipped if to_ns == wall_ns), None)

    def hold(self, packet: Packet) -> None:
        """Add the next packet. Packets before the first keyframe of a session are not held."""
        self._last_ns = packet.wall_ns
        if self._skipped_from_ns is None:
            self._skipped_from_ns = packet.wall_ns
        if packet.is_keyframe:
            self.drop_earlier_group()
            self._keyframe_at = len(self._held)
        elif not self._held:
            return
        self._held.append(packet)
        self._bytes += packet.size_bytes
        if self._keyframe_at and (len(self._held) >= HELD_PACKETS or self._bytes >= HELD_BYTES):
            self.drop_earlier_group()
        if len(self._held) > HELD_PACKETS or self._bytes > 2 * HELD_BYTES:
            # The gate is open by now, because `fits` was False one packet before.
            self._clear()

    def drop_earlier_group(self) -> None:
        """Drop the packets before the last keyframe."""
        self._held = self._held[self._keyframe_at :]
        self._released = max(0, self._released - self._keyframe_at)
        self._bytes = sum(packet.size_bytes for packet in self._held)
        self._keyframe_at = 0

    def start_session(self) -> None:
        """Drop all packets, because nothing arrived since the last one."""
        self._clear()
        if self._skipped_from_ns is None:
            self._skipped_from_ns = self._last_ns

    def _clear(self) -> None:
        self._held, self._bytes, self._keyframe_at, self._released = [], 0, 0, 0

    def put(self, newest: Packet) -> None:
        """Put the newest packet into the tap, after the packet before it."""
        self._end_skipping(newest)
        self._tap.put(newest)
        self._released = len(self._held)

    def put_alone(self, keyframe: Packet) -> None:
        """Put a keyframe into the tap, of whose group no other packet is to be decoded."""
        self._end_skipping(keyframe)
        self._tap.put(keyframe)
        self._released = 0

    def release(self, now_ns: int, from_ns: int | None = None) -> None:
        """Put the packets from the last keyframe on into the tap, without those it had before; from
        the keyframe before, if `from_ns` is before the last one.

        They count as received now, because the time for which they were held is no delay of the
        worker.
        """
        is_earlier = self._held and from_ns is not None and from_ns < self._last_keyframe.wall_ns
        first = 0 if is_earlier else self._keyframe_at
        released = self._held[max(first, self._released) :]
        if released:
            self._end_skipping(released[0])
        for held in released:
            self._tap.put(replace(held, received_ns=now_ns))
        self._released = len(self._held)

    def _end_skipping(self, packet: Packet) -> None:
        """Note that this packet and all after it are put into the tap."""
        from_ns, self._skipped_from_ns = self._skipped_from_ns, None
        if from_ns is not None and from_ns < packet.wall_ns:
            earlier = self._skipped[-MOST_SKIPPED + 1 :]
            self._skipped = (*earlier, (from_ns, packet.wall_ns))

    @property
    def _last_keyframe(self) -> Packet:
        return self._held[self._keyframe_at]
