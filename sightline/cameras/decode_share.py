"""Shares the decoding capacity of a worker among its checkpoints while it is behind.

What is left out is decided at the moment of each decision, by the time that the worker needs for
the packets that it has taken on (`workload.py`). First, cameras leave out the rests of groups of
pictures after everything in view was read with certainty. If that is not enough, groups that show
motion are refused. So the worker decodes as much as it can, and no event waits for long.

A camera that lost more groups than the others of its importance is admitted at a higher load. The
least important cameras lose first.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from domain.clock import Clock
from domain.metrics import PACKETS_NOT_DECODED
from domain.recordings.partly_analysed import SEEN_ENOUGH_NS, SHORTEST_PASSING_NS, PartlyCause
from domain.registry import Camera
from domain.registry.camera_priority import Importance, importance_of
from ingest.frames.admission import Admission, GroupWork, NotDecoded
from ingest.frames.analysis_losses import AnalysisLosses
from sightline.cameras.workload import CheckpointWork, Workload

BEHIND_S = 0.5
"""With more work than this waiting, the worker is behind: groups without motion are not decoded.
The burst of one camera takes some tenths of a second by itself.
"""
SHORT_REST_S, REST_S = 0.25, 1.0
"""The rest of a group is left out if more work than this waits: the first if it is short."""
SHORT_REST_NS = SHORTEST_PASSING_NS - SEEN_ENOUGH_NS
"""In a rest of this length nothing is missed, if the group after it is decoded: a vehicle that
comes in it is in view for long enough afterwards.
"""
BEHIND_FOR_S = 3.0
"""A worker stays behind for so long afterwards. The groups of a camera are about as long, and a
group that was held is decoded when this ends.
"""
ADMIT_S = 2.0
"""A group of an average camera is refused if its last packet would wait for longer than this.

A shorter time leaves the processor idle where several cameras show nothing for a moment; a longer
one only makes events late. Most events are published before the last packet of their group.
"""
FAIR_S = 0.6
"""By so much more work a camera is admitted for each group that it lost more than the others."""
KEPT = 0.9
"""A lost group counts by this factor less with each further group of its camera."""
MIN_PART = 0.2
"""No camera is left out entirely: one that decoded less of its last groups counts as important."""
RECENT_TICKS = 15


class DecodeShare:
    """The shares of a worker's checkpoints. The pull thread of the worker asks for them; any thread
    may add and remove cameras.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.workload = Workload(clock)
        self._behind_until_s = 0.0
        self._lock = threading.Lock()
        self._shares: dict[str, CameraShare] = {}
        self._levels: tuple[Importance, ...] = ()

    def of(self, camera: Camera, losses: AnalysisLosses) -> CameraShare:
        """Return the share of a checkpoint, which counts until `forget`.

        `losses` receives the ranges in which groups with motion were not decoded.
        """
        share = CameraShare(camera.id, importance_of(camera), self, losses)
        with self._lock:
            self._replace({**self._shares, camera.id: share})
        return share

    def forget(self, camera_id: str) -> None:
        with self._lock:
            self._replace({one: share for one, share in self._shares.items() if one != camera_id})

    def _replace(self, shares: dict[str, CameraShare]) -> None:
        self._shares = shares
        self._levels = tuple(sorted({share.importance for share in shares.values()}))

    def is_saving(self) -> bool:
        """Return whether the worker is behind, or was so a moment ago. Any thread may call it."""
        return self._clock.monotonic_s() < self._behind_until_s

    def is_behind(self) -> bool:
        if self.workload.sample() > BEHIND_S:
            self._behind_until_s = self._clock.monotonic_s() + BEHIND_FOR_S
        return self.is_saving()

    def urgency(self, importance: Importance) -> float:
        """Return the part of the limits that counts for cameras of this importance, up to 1."""
        levels = self._levels
        return sum(level <= importance for level in levels) / max(1, len(levels))

    def mean_lost(self, importance: Importance) -> float:
        """Return the mean of what the cameras of this importance lost recently."""
        equal = [one.lost for one in self._shares.values() if one.importance == importance]
        return sum(equal) / len(equal) if equal else 0.0


class CameraShare(Admission):
    """Admits the groups of one camera.

    The pull thread calls it, except where another thread is named.
    """

    def __init__(
        self,
        camera_id: str,
        importance: Importance,
        shares: DecodeShare,
        losses: AnalysisLosses,
    ) -> None:
        self._camera_id = camera_id
        self.importance = importance
        self._shares = shares
        self._losses = losses
        self._packets = {why: PACKETS_NOT_DECODED.labels(camera_id, why) for why in NotDecoded}
        self.lost = 0.0
        """How many of the last groups were refused, older ones counted less."""
        self._counts = (0, 0)
        """The groups that were admitted, and all."""
        self._earlier: deque[tuple[int, int]] = deque(maxlen=RECENT_TICKS)

    @contextmanager
    def counting(self, work: CheckpointWork) -> Iterator[None]:
        """Count the packets of the camera as work of the worker while the block runs."""
        self._shares.workload.add(self._camera_id, work)
        try:
            yield
        finally:
            self._shares.workload.forget(self._camera_id, work)

    @property
    def is_behind(self) -> bool:
        return self._shares.is_behind()

    def admits(self, group: GroupWork, /) -> bool:
        is_admitted = self._work_s(group) < self._most_work_s()
        self.lost = KEPT * self.lost + (not is_admitted)
        admitted, asked = self._counts
        self._counts = admitted + is_admitted, asked + 1
        return is_admitted

    def _work_s(self, group: GroupWork) -> float:
        """Return how much work waits with the group, now or when it ends, whichever is more."""
        load = self._shares.workload
        waiting_s = load.waiting_s() + group.held_packets * load.packet_s
        coming_s = load.coming_s() + group.coming_packets * load.packet_s
        return max(waiting_s, waiting_s + coming_s - group.coming_s)

    def _most_work_s(self) -> float:
        most_lost = (1.0 - MIN_PART) / (1.0 - KEPT)
        urgency = 1.0 if self.lost > most_lost else self._shares.urgency(self.importance)
        extra_s = FAIR_S * (self.lost - self._shares.mean_lost(self.importance))
        return urgency * (ADMIT_S + min(ADMIT_S, max(-ADMIT_S, extra_s)))

    @property
    def leaves_out_rests(self) -> bool:
        """Whether the rests of some groups may be left out. Any thread may call it."""
        return self._shares.is_saving()

    def leaves_out_rest(self, rest_ns: int) -> bool:
        """Return whether a rest of this length is left out now that everything in view is settled.

        The analysis thread of the camera calls it.
        """
        limit_s = SHORT_REST_S if rest_ns <= SHORT_REST_NS else REST_S
        urgency = self._shares.urgency(self.importance)
        return self._shares.workload.waiting_s() > urgency * limit_s

    def on_not_decoded(self, from_ns: int, to_ns: int, packets: int, why: NotDecoded, /) -> None:
        self._packets[why].inc(packets)
        if why is NotDecoded.OVERLOAD:
            self._losses.add(from_ns, to_ns, PartlyCause.OVERLOAD)

    def tick(self) -> None:
        """Remember the counts; it is called about once a second."""
        self._earlier.append(self._counts)

    def recent_part(self) -> float:
        """Return the part of the groups that were admitted in the last `RECENT_TICKS` seconds."""
        (admitted, asked) = self._counts
        first = self._earlier[0] if self._earlier else (0, 0)
        return (admitted - first[0]) / (asked - first[1]) if asked > first[1] else 1.0
