"""Batches of packets that were received together. Most packets are only written to a file, and are
never needed one by one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from domain.media.packets import Packet, StreamInfo, WallSource


@dataclass(slots=True)
class PacketBatch:
    """One or more consecutive pictures of one stream without keyframes, each shown as soon as it is
    decoded.

    Their `dts` equal their `pts`. A batch must not be modified. The fields of `Packet` have the
    same meaning here for each packet.
    """

    stream: StreamInfo
    data: bytes
    """The concatenated packets."""
    ends: Sequence[int]
    """The end of each packet in `data`."""
    pts: Sequence[int]
    walls_ns: Sequence[int]
    duration: int
    wall_source: WallSource
    received_ns: int
    sender_offset_ns: int | None
    """The offset from a picture's `pts` to the camera's own time."""
    pts_ns: Sequence[int]
    starts: Sequence[int]
    """The positions in `data` of the start codes of all NAL units; empty if they are not known for
    every packet.
    """

    is_keyframe = False

    @property
    def count(self) -> int:
        return len(self.ends)

    @property
    def wall_ns(self) -> int:
        """The wall time of the first packet."""
        return self.walls_ns[0]

    @property
    def newest(self) -> Packet:
        """The last packet, without its `starts`."""
        return self._packet(-1, 0 if len(self.ends) < 2 else self.ends[-2], ())

    def packets(self) -> Iterator[Packet]:
        """Yield the packets one by one."""
        starts, first = self.starts, 0
        for at, (begin, end) in enumerate(pairwise((0, *self.ends))):
            last = bisect_left(starts, end, first)
            yield self._packet(
                at, begin, [start - begin for start in starts[first:last]] if starts else ()
            )
            first = last

    def _packet(self, at: int, begin: int, starts: Sequence[int]) -> Packet:
        sender_ns = (
            None if self.sender_offset_ns is None else self.sender_offset_ns + self.pts_ns[at]
        )
        pts, wall_ns, data = self.pts[at], self.walls_ns[at], self.data[begin : self.ends[at]]
        return Packet(
            self.stream,
            data,
            pts,
            pts,
            self.duration,
            False,
            wall_ns,
            self.wall_source,
            self.received_ns,
            sender_ns,
            starts,
        )


PacketOrBatch = Packet | PacketBatch


def single_packets(received: Iterable[PacketOrBatch]) -> Iterator[Packet]:
    """Yield all packets one by one."""
    return chain.from_iterable(
        [one.packets() if isinstance(one, PacketBatch) else (one,) for one in received]
    )


def newest_packet(received: Sequence[PacketOrBatch]) -> Packet:
    """Return the last packet; there must be at least one."""
    last = received[-1]
    return last.newest if isinstance(last, PacketBatch) else last


def newest_wall_ns(one: PacketOrBatch) -> int:
    """Return the wall time of the last packet."""
    return one.walls_ns[-1] if isinstance(one, PacketBatch) else one.wall_ns


def newest_pts_ns(one: PacketOrBatch) -> int:
    """Return the `pts` of the last packet in nanoseconds."""
    return one.pts_ns[-1] if isinstance(one, PacketBatch) else one.pts_ns


def count_packets(received: Iterable[PacketOrBatch]) -> int:
    """Return the number of packets."""
    return sum([one.count if isinstance(one, PacketBatch) else 1 for one in received])
