"""What happens to the current group of pictures of a checkpoint while its worker is behind.

A group is held from its keyframe until its packets show motion. `admission.py` then admits or
refuses it. What was not decoded of a group is reported when the next one begins. Whole groups are
left out because half of the looks at every passing would find none of them.
"""

from __future__ import annotations

from enum import Enum

from domain.clock import NS_PER_S
from domain.media.packets import Packet
from ingest.frames.admission import Admission, GroupWork, NotDecoded


class _State(Enum):
    UNLIMITED = "unlimited"  # the worker was not behind at its keyframe
    WAITING = "waiting"  # its packets are held, and showed no motion yet
    ADMITTED = "admitted"
    REFUSED = "refused"


_HELD = (_State.WAITING, _State.REFUSED)


class GroupAdmission:
    """The current group of one camera. The pull thread calls it; any thread may read it."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._state = _State.UNLIMITED
        self._from_ns = 0
        self._packets = 0
        self._last_ns = 0
        """The time of the last packet."""
        self._usual = (0, 0)
        """The packets and the nanoseconds of the last whole group."""
        self._undecided_from_ns: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether the worker was behind when the group began, and has not caught up since."""
        return self._state is not _State.UNLIMITED

    @property
    def is_waiting(self) -> bool:
        return self._state is _State.WAITING

    @property
    def is_admitted(self) -> bool:
        return self._state is _State.ADMITTED

    @property
    def undecided_from_ns(self) -> int | None:
        """The start of a group that waits, or the end of its last half second without motion."""
        return self._undecided_from_ns

    @property
    def unreported_from_ns(self) -> int | None:
        """The start of a group that is not decoded and will be reported at its end."""
        return self._from_ns if self._state in _HELD else None

    @property
    def usual_ns(self) -> int:
        """The length of the last whole group, or 0 if there was none."""
        return self._usual[1] if self._usual[0] else 0

    @property
    def coming_packets(self) -> int:
        """The packets of the group that will arrive if it is as long as the last one, unless it is
        held.
        """
        return 0 if self._state in _HELD else max(0, self._usual[0] - self._packets)

    def put(self, packet: Packet) -> None:
        """Count the next packet. The worker falls behind for a group at its keyframe, and catches
        up at any packet: the held packets of a group are then decoded.
        """
        if packet.is_keyframe and self._packets:
            self._usual = self._packets, max(0, packet.wall_ns - self._from_ns)
            self._end(packet.wall_ns)
        is_behind = self._admission.is_behind
        if packet.is_keyframe:
            self._state = _State.WAITING if is_behind else _State.UNLIMITED
            self._from_ns = packet.wall_ns
        elif not is_behind:
            self._state = _State.UNLIMITED
        # A session may begin within a group, of which nothing can be decoded.
        self._packets += packet.is_keyframe or self._packets > 0
        self._last_ns = packet.wall_ns
        if not self.is_limited:
            self._undecided_from_ns = None

    def decide(self, held_packets: int) -> None:
        """Admit or refuse a group that waits, because it shows motion."""
        packets, lasts_ns = self._usual
        coming = max(0, packets - self._packets)
        coming_s = coming * lasts_ns / max(1, packets) / NS_PER_S
        is_admitted = self._admission.admits(GroupWork(held_packets, coming, coming_s))
        self._state = _State.ADMITTED if is_admitted else _State.REFUSED

    def note_undecided(self, packet: Packet, *, is_still_window: bool) -> None:
        """Note what the packet says of a group that waits: it begins, or a half second of it
        showed no motion.
        """
        if not self.is_waiting:
            self._undecided_from_ns = None
        elif packet.is_keyframe or is_still_window:
            self._undecided_from_ns = packet.wall_ns

    def end_session(self) -> None:
        """End a group with the last packet. The session may have ended long before the next one
        begins, and the group is not a whole one.
        """
        self._end(self._last_ns)

    def _end(self, at_ns: int) -> None:
        """Report the group if it was not decoded."""
        if self._state in _HELD and self._packets:
            why = NotDecoded.STILL if self.is_waiting else NotDecoded.OVERLOAD
            self._admission.on_not_decoded(self._from_ns, at_ns, self._packets, why)
        self._state, self._packets = _State.UNLIMITED, 0
