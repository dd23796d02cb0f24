"""Publishes every five seconds what a node knows of itself, for `GET /v1/nodes`."""

from __future__ import annotations

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from importlib.metadata import version

from domain.camera_states import CameraState, CameraStatus, Shed
from domain.clock import NS_PER_S, Clock
from domain.errors import StoreError
from domain.log import FloodGate
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.cluster.roster import NodeRosters, worker_count
from sightline.overload.load import load_of_node
from sightline.processes.heartbeat import HANGS_AFTER_S
from sightline.processes.status_file import read_statuses, status_file
from storage.events.spool import Spool
from storage.recordings.disk_quota import QuotaUsage
from storage.recordings.free_space_reserve import free_bytes
from storage.site.node_reports import (
    NodeDisk,
    NodeLoad,
    NodeReport,
    NodeReports,
    NodeWorkers,
    clock_offset_ms,
)

REPORT_EVERY_S = 5.0
_log = logging.getLogger(__name__)


class NodeReporter:
    """A job of the first worker of a node."""

    def __init__(
        self,
        reports: NodeReports,
        spool: Spool,
        settings: Settings,
        layout: Layout,
        clock: Clock,
        usage: Callable[[], QuotaUsage | None],
        oldest_waiting_ns: Callable[[], int | None],
    ) -> None:
        """`oldest_waiting_ns` returns the end of the oldest recording that is not uploaded."""
        self._reports = reports
        self._spool = spool
        self._settings = settings
        self._layout = layout
        self._clock = clock
        self._usage = usage
        self._oldest_waiting_ns = oldest_waiting_ns
        self._rosters = NodeRosters(layout)
        self._clock_offset_ms: int | None = None
        self._warn = FloodGate(_log.warning, clock, every_s=60.0)

    def run(self, stop: threading.Event) -> None:
        while True:
            self.run_once()
            if self._clock.wait(stop, REPORT_EVERY_S):
                return

    def run_once(self) -> None:
        """Publish the report. The next call repeats a failed one."""
        try:
            report = self.report()
            began_ns = self._clock.wall_ns()
            server_ns = self._reports.publish(self._settings.node, report)
        except (StoreError, OSError) as error:
            self._warn("report", f"the report of this node cannot be published: {error}")
            return
        self._clock_offset_ms = clock_offset_ms(self._clock, began_ns, server_ns)

    def report(self) -> NodeReport:
        """Return the current figures. Raises OSError."""
        statuses = {status.camera_id: status for status in read_statuses(self._layout)}
        load = load_of_node(self._layout, self._clock)
        return NodeReport(
            version=version("sightline"),
            workers=self._workers(),
            cameras=self._cameras(statuses),
            shed=Counter(
                status.shed for status in statuses.values() if status.shed is not Shed.NOTHING
            ),
            load=NodeLoad(processor=round(load.processor, 3), disk=round(load.disk, 3)),
            disk=self._disk(),
            upload_waits_since=self._oldest_waiting_ns(),
            spool_events=self._spool.count(),
            clock_offset_ms=self._clock_offset_ms,
        )

    def _cameras(self, statuses: dict[str, CameraStatus]) -> dict[str, dict[CameraState, int]]:
        counts: defaultdict[str, Counter[CameraState]] = defaultdict(Counter)
        for camera in self._rosters.cameras():
            status = statuses.get(camera.id)
            counts[camera.class_][status.state if status else CameraState.UNKNOWN] += 1
        return {class_: dict(found) for class_, found in sorted(counts.items())}

    def _workers(self) -> NodeWorkers:
        """Count the workers whose file of states is newer than the limit for a hang."""
        configured = worker_count(self._layout)
        least_ns = self._clock.wall_ns() - round(HANGS_AFTER_S * NS_PER_S)
        running = 0
        for worker in range(configured):
            try:
                running += status_file(self._layout, worker).stat().st_mtime_ns >= least_ns
            except FileNotFoundError:
                continue
        return NodeWorkers(configured=configured, running=running)

    def _disk(self) -> NodeDisk | None:
        usage = self._usage()
        if usage is None:
            return None
        return NodeDisk(
            recordings_bytes=usage.recordings_bytes,
            other_bytes=usage.other_bytes,
            limit_bytes=usage.limit_bytes,
            free_bytes=free_bytes(self._layout.root),
            reserve_bytes=usage.reserve_bytes,
        )
