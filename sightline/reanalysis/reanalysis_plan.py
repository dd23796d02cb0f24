"""Chooses which recordings of a node are analysed at night, when the machine is idle."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from domain.clock import NS_PER_DAY, NS_PER_S, Clock
from domain.errors import BadInput
from domain.log import FloodGate
from domain.registry import Camera
from sightline.reanalysis.analysis_ranges import SETTLED_AFTER_NS, unanalysed
from sightline.reanalysis.recorded_analysis import runs_of
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.stored import StoredGaps
from storage.recordings.recorded_ranges import Range

LOOK_BACK_NS = 7 * NS_PER_DAY
MOST_TRIED = 100_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hours:
    """From a time of day up to another one, which may be on the next day."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class CameraRanges:
    """Ranges of one camera that are analysed together."""

    camera: Camera
    ranges: Sequence[Range]


def parse_hours(text: str) -> Hours:
    """Parse a text such as `01:00-05:00`. Raises BadInput."""
    start, _, end = text.partition("-")
    try:
        hours = Hours(time.fromisoformat(start.strip()), time.fromisoformat(end.strip()))
    except ValueError as error:
        raise BadInput("{text} is not of the form 01:00-05:00", text=repr(text)) from error
    if hours.start == hours.end:
        raise BadInput("{text} has no length", text=repr(text))
    return hours


def is_within(hours: Hours, time_zone: str, wall_ns: int) -> bool:
    """Return whether a moment is within the hours, in that time zone."""
    moment = datetime.fromtimestamp(wall_ns / NS_PER_S, UTC).astimezone(ZoneInfo(time_zone))
    now = moment.time()
    if hours.start < hours.end:
        return hours.start <= now < hours.end
    return now >= hours.start or now < hours.end


class ReanalysisPlan:
    """One thread calls `run_once` about once a minute."""

    def __init__(
        self,
        cameras: Callable[[], Sequence[Camera]],
        gaps: GapLog,
        stored: StoredGaps,
        is_night: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self._cameras = cameras
        self._gaps = gaps
        self._stored = stored
        self._is_night = is_night
        self._clock = clock
        self._warn = FloodGate(_log.warning, clock, every_s=3600.0)
        self._tried: dict[tuple[str, int], None] = {}
        """The first moments of groups that were analysed, so that ranges without a readable
        recording are not tried again and again.
        """

    def run_once(self, analyse: Callable[[CameraRanges], None]) -> int:
        """Call `analyse` for all that is left of the last days, while it is night, and return how
        often. Each group of ranges is tried once, and a camera whose gap logs cannot be read is
        left out. Raises what `analyse` raises, and StoreError.
        """
        done = 0
        for camera in self._cameras():
            if not camera.checkpoint or not self._is_night():
                continue
            for group in runs_of(self._unanalysed(camera.id)):
                key = camera.id, group[0][0]
                if key in self._tried or not self._is_night():
                    continue
                analyse(CameraRanges(camera, group))
                self._remember(key)
                done += 1
        return done

    def _unanalysed(self, camera_id: str) -> list[Range]:
        now_ns = self._clock.wall_ns()
        span = now_ns - LOOK_BACK_NS, now_ns - SETTLED_AFTER_NS
        try:
            return unanalysed(self._gaps, self._stored, camera_id, *span)
        except OSError as error:
            self._warn(
                camera_id,
                f"{camera_id}: a gap log cannot be read, so what was missed is not analysed; "
                f"examine the disk, and restore the file or delete it: {error}",
            )
            return []

    def _remember(self, key: tuple[str, int]) -> None:
        self._tried[key] = None
        while len(self._tried) > MOST_TRIED:
            del self._tried[next(iter(self._tried))]
