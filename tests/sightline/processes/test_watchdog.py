"""A worker with a hanging pull loop or disk writer restarts, and the gap has that cause."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.clock import NS_PER_S, ManualClock, SystemClock
from domain.paths.data_layout import Layout
from domain.recordings.gaps import Gap, GapCause
from ingest.recording.disk_writer import DiskWriter
from ingest.rtsp.pull_loop import PullLoop
from sightline.cluster.roster import Assigned, Roster, write_roster
from sightline.processes.child import ChildSpec
from sightline.processes.environment import WORKER
from sightline.processes.status_file import read_worker_statuses, status_file
from sightline.processes.supervisor import Supervisor
from sightline.processes.watchdog import (
    LOOP_HANGS_AFTER_S,
    WRITER_HANGS_AFTER_S,
    Hang,
    ThreadProbe,
    Watchdog,
)
from simulator import SimCamera, Simulator
from storage.recordings.coverage import CoverageRequest, account
from storage.recordings.gaps.log import GapLog
from storage.recordings.recorded_ranges import RecordedRanges
from tests.ingest.conftest import NETWORKS, make_camera, make_video
from tests.waiting import wait_for

CLOCK = SystemClock()
STORES = {
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "S3_ENDPOINT": "127.0.0.1:9",
    "S3_ACCESS_KEY": "none",
    "S3_SECRET_KEY": "none",
}


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator([SimCamera("main", make_video(tmp_path / "main.mp4", "h264", 50))]) as simulator:
        yield simulator


@pytest.mark.parametrize("fault", ["loop hangs", "loop ends", "writer hangs", "writer ends"])
def test_a_worker_that_lost_a_thread_is_started_again(
    fault: str, camera: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (STORES | {"SEGMENT_S": "2"}).items():
        monkeypatch.setenv(f"SIGHTLINE_{name}", value)
    layout = Layout(tmp_path / "data")
    write_roster(
        layout,
        1,
        Roster(
            networks=NETWORKS.allowed,
            cameras=(Assigned(camera=make_camera(camera.url("main")), fence=1),),
        ),
    )
    with _running(layout) as supervisor:
        first = supervisor.pids["worker-1"]
        wait_for("recording", lambda: _recorded_until_ns(layout) > 0)
        (layout.root / fault).touch()
        wait_for("second process", lambda: supervisor.pids["worker-1"] not in (None, first))
        again_ns = CLOCK.wall_ns()
        wait_for("recording", lambda: _recorded_until_ns(layout) > again_ns)
    (gap,) = _gaps(layout)
    assert gap.cause is GapCause.RESTART
    assert gap.end_ns - gap.start_ns > NS_PER_S


@contextmanager
def _running(layout: Layout) -> Iterator[Supervisor]:
    """Run the worker under its supervisor, with its heartbeat."""
    beat, stop = status_file(layout, 1), threading.Event()
    command = (sys.executable, "-m", "tests.sightline.processes.faulty_worker", str(layout.root))
    supervisor = Supervisor(
        [
            [
                ChildSpec(
                    "worker-1",
                    command,
                    layout.root / "log",
                    ready=beat.exists,
                    heartbeat=beat,
                    allowed=WORKER,
                )
            ]
        ],
        CLOCK,
    )
    supervisor.start(stop, lambda _: None)
    running = threading.Thread(target=supervisor.run, args=(stop,))
    running.start()
    try:
        yield supervisor
    finally:
        stop.set()
        running.join()
        supervisor.stop()


def _recorded_until_ns(layout: Layout) -> int:
    return max((status.recorded_until_ns for status in read_worker_statuses(layout, 1)), default=0)


def _gaps(layout: Layout) -> tuple[Gap, ...]:
    """Return the gaps between the first and the last picture."""
    recorded = RecordedRanges(layout.recordings)
    bounds = recorded.bounds("gate")
    assert bounds is not None
    return account(
        CoverageRequest("gate", *bounds),
        recorded.ranges("gate", *bounds),
        [],
        GapLog(layout, CLOCK).between("gate", *bounds),
    ).gaps


def test_what_was_looked_for_in_vain_counts_and_not_time_that_passed() -> None:
    clock = ManualClock()
    loop, writer = PullLoop(clock), DiskWriter(clock)
    watchdog = Watchdog(loop, writer, clock)
    began_ns = clock.wall_ns()
    assert watchdog.check(1.0) is None
    clock.advance(3600)  # the whole machine stood still
    assert watchdog.check(1.0) is None
    hangs = [watchdog.check(1.0) for _ in range(round(LOOP_HANGS_AFTER_S) + 1)]
    assert (hangs[-3], hangs[-1]) == (None, hangs[-2])
    assert hangs[-1] is not None
    assert (hangs[-1].thread, hangs[-1].since_ns) == ("pull loop", began_ns)
    loop.close()


def test_a_sign_of_life_begins_the_count_again() -> None:
    clock = ManualClock()
    pulse = ThreadProbe("disk writer", WRITER_HANGS_AFTER_S, lambda: None, clock)
    assert [pulse.check(20.0) for _ in range(4)] == [None] * 4
    pulse.on_heartbeat()
    assert [pulse.check(20.0) for _ in range(4)] == [None] * 4
    assert pulse.check(20.0) == Hang("disk writer", clock.wall_ns())
