"""Raises the alarms of a node: cameras and stores that are unavailable, late uploads, a full audit
log, damaged data and clock steps.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from domain.alarms import AlarmName
from domain.camera_states import CameraStatus
from domain.clock import NS_PER_S, Clock, ClockStep, moment
from domain.errors import StoreError
from domain.log import FloodGate
from domain.messages.message import Message
from domain.registry import Camera
from domain.settings import Settings
from sightline.cluster.worker_balance import is_always_pulled
from sightline.processes.writable import why_unwritable
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.events.damaged_objects import DamagedObjects
from storage.site.alarms import Alarms
from storage.site.site_identity import SiteFaults

CHECK_EVERY_S = 5.0
DOWN_S = 180.0
STOPPED_S = 60.0
"""A disk that stalls stops the analysis for a while; it then continues by itself."""
OUTAGE_S = 120.0
STEP_ALARM_S = 900.0
_MOST_NAMED = 5
_log = logging.getLogger(__name__)


class AlarmMonitor:
    """There is one for each node; one thread calls `run`."""

    def __init__(
        self,
        alarms: Alarms,
        stores: tuple[Redis, ObjectStore],
        cameras: Callable[[], Sequence[Camera]],
        statuses: Callable[[], Sequence[CameraStatus]],
        clock: Clock,
        settings: Settings,
        folder: Path,
    ) -> None:
        """`folder` is the folder that must be writable."""
        self._alarms = alarms
        self._redis, self._objects = stores
        self._damaged = DamagedObjects(self._redis, clock)
        self._cameras = cameras
        self._statuses = statuses
        self._clock = clock
        self._folder = folder
        self._late_s = settings.upload_late_h * 3600
        self._down_since_s: dict[AlarmName, float] = {}
        self._steps = clock.steps
        self._stepped: tuple[float, ClockStep] | None = None
        self._warn = FloodGate(_log.warning, clock, every_s=60.0)
        self.oldest_waiting_ns: Callable[[], int | None] = lambda: None
        """The end of the oldest segment waiting to be uploaded; set where segments are uploaded."""
        self.site_faults: Callable[[], SiteFaults] = SiteFaults
        """What the stores have lost; set on a node that checks the site."""

        self.audit_alarm: Callable[[], Message | None] = lambda: None
        """The alarm sentence about the audit log of this data folder; set where there is one."""

        self.unshipped_alarm: Callable[[], Message | None] = lambda: None
        """The same about lines that wait for the object store."""

        self.syslog_alarm: Callable[[], Message | None] = lambda: None
        """The same about lines that wait for the syslog receiver."""

    def run(self, stop: threading.Event) -> None:
        while not self._clock.wait(stop, CHECK_EVERY_S):
            self.run_once()

    def run_once(self) -> None:
        """Check everything once, then publish the alarms. The next call repeats a failed one."""
        self._alarms.set(AlarmName.CLOCK_STEPPED, self._clock_step())
        self._alarms.set(AlarmName.DISK_UNWRITABLE, self._unwritable())
        self._alarms.set(AlarmName.CAMERAS_DOWN, self._cameras_down())
        self._alarms.set(AlarmName.ANALYSIS_OVERLOADED, self._analysis_overloaded())
        self._alarms.set(AlarmName.ANALYSIS_STOPPED, self._analysis_stopped())
        self._alarms.set(AlarmName.UPLOADS_BEHIND, self._uploads_behind())
        self._alarms.set(AlarmName.AUDIT_FULL, self.audit_alarm())
        self._alarms.set(AlarmName.AUDIT_UNSHIPPED, self.unshipped_alarm())
        self._alarms.set(AlarmName.AUDIT_SYSLOG, self.syslog_alarm())
        self._alarms.set(
            AlarmName.STORE_UNREACHABLE,
            self._outage(AlarmName.STORE_UNREACHABLE, self._objects.ping),
        )
        self._alarms.set(
            AlarmName.INDEX_UNREACHABLE,
            self._outage(AlarmName.INDEX_UNREACHABLE, self._redis.ping),
        )
        self._check_damage()
        self._check_losses()
        try:
            self._alarms.publish(self._redis)
        except (StoreError, OSError) as error:
            self._warn("publish", f"the alarms cannot be published: {error}")

    def _check_losses(self) -> None:
        """Update the alarms about lost data, unless a store does not respond."""
        try:
            faults = self.site_faults()
        except StoreError as error:
            self._warn("losses", f"the stores cannot be checked for lost data: {error}")
            return
        self._alarms.set(AlarmName.STORE_LOST, faults.objects)
        self._alarms.set(AlarmName.INDEX_EMPTIED, faults.index)

    def _check_damage(self) -> None:
        """Update the alarm about damaged files, unless Redis does not respond."""
        try:
            damaged = self._damaged.all()
        except StoreError as error:
            self._warn("damaged", f"the list of damaged files cannot be read: {error}")
            return
        sentence = None
        if damaged:
            sentence = Message(
                "{count} files of events or fragments of recordings do not match their SHA-256 "
                "and are not served, most recently {newest}: restore them from a backup; "
                "`sightline storage check` lists all files of events",
                count=len(damaged),
                newest=damaged[0],
            )
        self._alarms.set(AlarmName.EVIDENCE_DAMAGED, sentence)

    def _unwritable(self) -> Message | None:
        why = why_unwritable(self._folder)
        if not why:
            return None
        return Message(
            "the data folder is not writable and nothing is recorded ({reason}): check "
            "the disk and "
            "mount it writable",
            reason=why,
        )

    def _cameras_down(self) -> Message | None:
        expected = {
            camera.id for camera in self._cameras() if camera.enabled and is_always_pulled(camera)
        }
        since_ns = self._clock.wall_ns() - round(DOWN_S * NS_PER_S)
        down = sorted(
            (
                status
                for status in self._statuses()
                if status.camera_id in expected and _is_down(status, since_ns)
            ),
            key=lambda status: status.camera_id,
        )
        if not down:
            return None
        named = ", ".join(f"{status.camera_id} ({status.state})" for status in down[:_MOST_NAMED])
        return Message(
            "{down_count} of {camera_count} cameras have delivered no video for {minutes} "
            "minutes or more: "
            "{cameras}{more}",
            down_count=len(down),
            camera_count=len(expected),
            minutes=round(DOWN_S / 60),
            cameras=named,
            more=_more(len(down) - _MOST_NAMED),
        )

    def _analysis_overloaded(self) -> Message | None:
        checkpoints = {camera.id for camera in self._cameras() if camera.checkpoint}
        found = [one for one in self._statuses() if one.camera_id in checkpoints]
        losing = sorted((one for one in found if one.analysed_part < 1), key=_analysed_part)
        if not losing:
            return None
        capacity = int(sum(one.analysed_part for one in found))
        named = ", ".join(one.camera_id for one in losing[:_MOST_NAMED])
        return Message(
            "this node can analyse {capacity} checkpoint cameras with the traffic of now; it has "
            "{count}, and misses passings, most at {cameras}: move checkpoints to another node, or "
            "give this one more cores",
            capacity=capacity,
            count=len(found),
            cameras=named,
        )

    def _analysis_stopped(self) -> Message | None:
        before_ns = self._clock.wall_ns() - round(STOPPED_S * NS_PER_S)
        stopped = sorted(
            one.camera_id for one in self._statuses() if 0 < one.analysis_stopped_ns <= before_ns
        )
        if not stopped:
            return None
        return Message(
            "the analysis of {count} checkpoint cameras does not respond or fails, so their "
            "passings are missed: {cameras}{more}; read the log of the node, and restart the node "
            "when a short gap in its recordings is acceptable",
            count=len(stopped),
            cameras=", ".join(stopped[:_MOST_NAMED]),
            more=_more(len(stopped) - _MOST_NAMED),
        )

    def _uploads_behind(self) -> Message | None:
        oldest_ns = self.oldest_waiting_ns()
        late_s = 0.0 if oldest_ns is None else (self._clock.wall_ns() - oldest_ns) / NS_PER_S
        if oldest_ns is None or late_s < self._late_s:
            return None
        return Message(
            "recordings have waited {waited_h} h to be uploaded, since {oldest}; they exist only "
            "on the disk of this node: check the object store and the network",
            waited_h=round(late_s / 3600, 1),
            oldest=moment(oldest_ns),
        )

    def _outage(self, name: AlarmName, ping: Callable[[], None]) -> Message | None:
        try:
            ping()
        except StoreError as error:
            since_s = self._down_since_s.setdefault(name, self._clock.monotonic_s())
            down_s = self._clock.monotonic_s() - since_s
            if down_s < OUTAGE_S:
                return None
            return Message(
                "unavailable for {minutes} minutes: {error}",
                minutes=round(down_s / 60),
                error=error,
            )
        self._down_since_s.pop(name, None)
        return None

    def _clock_step(self) -> Message | None:
        """The alarm lasts 15 minutes. In that time, recordings from before and after the step may
        overlap.
        """
        now_s = self._clock.monotonic_s()
        steps, before = self._clock.steps, self._steps
        if steps != before:
            self._steps, self._stepped = steps, (now_s, steps[-1])
        if self._stepped is not None and now_s - self._stepped[0] >= STEP_ALARM_S:
            self._stepped = None
        if self._stepped is None:
            return None
        return Message(
            "{step}: correct the time source (NTP) of the node", step=self._stepped[1].message
        )


def _more(count: int) -> Message | str:
    """Return how many cameras are not named."""
    return Message(" and {count} more", count=count) if count > 0 else ""


def _analysed_part(status: CameraStatus) -> float:
    return status.analysed_part


def _is_down(status: CameraStatus, since_ns: int) -> bool:
    return not status.state.is_live and status.since_ns <= since_ns
