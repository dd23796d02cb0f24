"""Children that end restart with growing pauses, and a stop leaves none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from domain.clock import ManualClock, SystemClock
from domain.metrics import CHILD_HANGS
from domain.paths.data_layout import Layout
from sightline.processes import heartbeat
from sightline.processes.child import LOG_LIMIT_BYTES, Child, ChildSpec
from sightline.processes.environment import WORKER
from sightline.processes.status_file import status_file
from sightline.processes.supervisor import FAILS_FOR_S, Restarts, Supervisor
from tests.unwritable import unwritable
from tests.waiting import PATIENCE_S, wait_for

CLOCK = SystemClock()


def test_pauses_grow_and_are_forgotten_after_a_healthy_life() -> None:
    restarts = Restarts()
    assert [restarts.pause_s(1.0) for _ in range(9)] == [
        0.0,
        0.2,
        0.4,
        0.8,
        1.6,
        3.2,
        6.4,
        10.0,
        10.0,
    ]
    assert restarts.pause_s(60.0) == 0.0


def test_a_killed_child_comes_back_and_a_stop_ends_it(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    script = f"echo $$ >> {marks}; exec sleep 60"
    supervisor = Supervisor(
        [[ChildSpec("sleeper", ("/bin/sh", "-c", script), tmp_path / "log", ready=marks.exists)]],
        CLOCK,
    )
    stop = threading.Event()
    supervisor.start(stop, lambda _: None)
    first = supervisor.pids["sleeper"]
    assert first is not None
    os.kill(first, signal.SIGKILL)
    watcher = threading.Thread(target=_stop_after_lines, args=(marks, 2, stop))
    watcher.start()
    supervisor.run(stop)
    watcher.join()
    second = supervisor.pids["sleeper"]
    supervisor.stop()
    assert second not in (None, first)
    assert not Path(f"/proc/{second}").exists()


def test_a_child_that_is_not_wanted_yet_starts_when_it_is(tmp_path: Path) -> None:
    wanted, marks = tmp_path / "wanted", tmp_path / "marks"
    marks.touch()
    later = ChildSpec(
        "later",
        ("/bin/sh", "-c", f"echo $$ >> {marks}; exec sleep 60"),
        tmp_path / "log",
        is_wanted=wanted.exists,
    )
    supervisor = Supervisor([[later]], CLOCK)
    stop = threading.Event()
    supervisor.start(stop, lambda _: None)
    assert supervisor.pids["later"] is None
    assert not supervisor.fails(["later"])
    watcher = threading.Thread(target=_stop_after_lines, args=(marks, 1, stop))
    wanted.touch()
    watcher.start()
    supervisor.run(stop)
    watcher.join()
    started = supervisor.pids["later"]
    supervisor.stop()
    assert started is not None
    assert not Path(f"/proc/{started}").exists()


def test_a_child_that_nobody_needs_ends_until_it_is_wanted_again(tmp_path: Path) -> None:
    """It is restarted at once where it ends with an error."""
    wanted, marks = tmp_path / "wanted", tmp_path / "marks"
    marks.touch()
    wanted.touch()
    script = f"""
        echo $$ >> {marks}
        rm -f {wanted}
        case $(wc -l < {marks}) in 1) exit 0 ;; 2) exit 3 ;; esac
        exec sleep 60
    """
    child = ChildSpec(
        "child",
        ("/bin/sh", "-c", script),
        tmp_path / "log",
        is_wanted=wanted.exists,
        ends_when_idle=True,
    )
    supervisor = Supervisor([[child]], CLOCK)
    stop, idle = threading.Event(), threading.Event()
    supervisor.start(stop, lambda _: None)

    def stop_when_it_is_idle() -> None:
        wait_for("its end", lambda: not Path(f"/proc/{supervisor.pids['child']}").exists())
        idle.wait(1.0)
        stop.set()

    watcher = threading.Thread(target=stop_when_it_is_idle)
    watcher.start()
    supervisor.run(stop)
    watcher.join()
    assert len(marks.read_text().split()) == 1
    assert not supervisor.fails(["child"])
    stop.clear()
    wanted.touch()
    watcher = threading.Thread(target=_stop_after_lines, args=(marks, 3, stop))
    watcher.start()
    supervisor.run(stop)
    watcher.join()
    supervisor.stop()


def test_a_stop_ignores_children_that_were_never_started(tmp_path: Path) -> None:
    never = ChildSpec("never", ("/bin/false",), tmp_path / "log", is_wanted=lambda: False)
    supervisor = Supervisor([[never]], CLOCK)
    supervisor.start(threading.Event(), lambda _: None)
    supervisor.stop()
    assert supervisor.pids["never"] is None


def test_children_stop_turn_by_turn_and_servers_last(tmp_path: Path) -> None:
    signs = tmp_path / "signs"

    def child(name: str, stop_turn: int = 0) -> ChildSpec:
        end = f"echo {name} stops >> {signs}; sleep 0.2; echo {name} ends >> {signs}; exit"
        ready = tmp_path / name
        script = f"trap '{end}' TERM; touch {ready}; while :; do sleep 0.05; done"
        command = ("/bin/sh", "-c", script)
        log = tmp_path / f"{name}.log"
        return ChildSpec(name, command, log, ready=ready.exists, stop_turn=stop_turn)

    groups = [[child("server")], [child("worker"), child("live", 1), child("api", 2)]]
    supervisor = Supervisor(groups, CLOCK)
    supervisor.start(threading.Event(), lambda _: None)
    supervisor.stop()
    order = ("api", "live", "worker", "server")
    assert signs.read_text().splitlines() == [
        f"{name} {does}" for name in order for does in ("stops", "ends")
    ]


def test_a_stop_that_raises_stops_the_other_children_too(tmp_path: Path) -> None:
    def child(name: str, stop_turn: int = 0) -> ChildSpec:
        return ChildSpec(name, ("/bin/sleep", "60"), tmp_path / name, stop_turn=stop_turn)

    fails = replace(child("fails", 1), cleanup=(tmp_path / "missing").unlink)
    groups = [[child("server")], [child("worker"), fails, child("other", 1)]]
    supervisor = Supervisor(groups, CLOCK)
    supervisor.start(threading.Event(), lambda _: None)
    pids = list(supervisor.pids.values())
    with pytest.raises(FileNotFoundError):
        supervisor.stop()
    assert None not in pids
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def _stop_after_lines(file: Path, count: int, stop: threading.Event) -> None:
    try:
        wait_for(f"{count} lines", lambda: len(file.read_text().split()) >= count)
    finally:
        stop.set()


def test_children_end_with_their_parent(tmp_path: Path) -> None:
    """The parent is killed and cannot clean up; the kernel does it."""
    program = (
        "import sys, time; from pathlib import Path; from domain.clock import SystemClock; from "
        "sightline.processes.child import Child, ChildSpec\n"
        f"child = Child(ChildSpec('c', ('sleep', '60'), Path({str(tmp_path / 'log')!r})), "
        "SystemClock()); child.start()\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen((sys.executable, "-c", program), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = Path(f"/proc/{int(parent.stdout.readline())}")
    assert child.exists()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(
        "end of the child",
        lambda: not child.exists() or "Z" in (child / "stat").read_text().rpartition(")")[2],
    )


def test_a_log_that_has_grown_begins_again_and_keeps_its_end(tmp_path: Path) -> None:
    log = tmp_path / "c.log"
    log.write_bytes(b"x" * LOG_LIMIT_BYTES + b"the end")
    Child(ChildSpec("c", ("true",), log), CLOCK).bound_log()
    assert log.stat().st_size == 0
    assert log.with_suffix(".log.1").read_bytes().endswith(b"the end")


def test_a_child_that_cannot_be_restarted_stops_no_other(tmp_path: Path) -> None:
    """Its folder was removed, or the disk is full; the supervisor continues with the others."""
    folder, marks = tmp_path / "folder", tmp_path / "marks"
    folder.mkdir()
    homeless = ChildSpec(
        "homeless", ("/bin/sh", "-c", "exec sleep 60"), tmp_path / "log", cwd=folder
    )
    other = ChildSpec(
        "other",
        ("/bin/sh", "-c", f"echo $$ >> {marks}; exec sleep 60"),
        tmp_path / "log",
        ready=marks.exists,
    )
    supervisor = Supervisor([[homeless, other]], CLOCK)
    stop = threading.Event()
    supervisor.start(stop, lambda _: None)
    folder.rmdir()
    for name in ("homeless", "other"):
        os.kill(supervisor.pids[name] or 0, signal.SIGKILL)
    watcher = threading.Thread(target=_stop_after_lines, args=(marks, 2, stop))
    watcher.start()
    supervisor.run(stop)
    watcher.join()
    supervisor.stop()
    assert len(marks.read_text().split()) == 2


def test_gauges_that_cannot_be_removed_are_removed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk became read-only, so the gauges of an ended child stay until it is writable."""
    metrics, marks = tmp_path / "metrics", tmp_path / "marks"
    metrics.mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(metrics))
    command = ("/bin/sh", "-c", f"echo $$ >> {marks}; exec sleep 60")
    supervisor = Supervisor(
        [[ChildSpec("child", command, tmp_path / "log", ready=marks.exists)]], CLOCK
    )
    stop = threading.Event()
    supervisor.start(stop, lambda _: None)
    left = metrics / f"gauge_livemin_{supervisor.pids['child']}.db"
    left.touch()
    running = threading.Thread(target=supervisor.run, args=(stop,))
    try:
        with unwritable(metrics):
            os.kill(supervisor.pids["child"] or 0, signal.SIGKILL)
            running.start()
            wait_for("second start", lambda: len(marks.read_text().split()) == 2)
            assert left.exists()
        wait_for("removal", lambda: not left.exists())
    finally:
        stop.set()
        running.join()
        supervisor.stop()


def test_signals_set_the_event_whatever_the_main_thread_does() -> None:
    program = (
        "import threading; from sightline.processes.supervisor import stop_on_signals; stop = "
        "stop_on_signals(); print('ready', flush=True)\n"
        "while not stop.is_set(): t = threading.Thread(target=int); t.start(); t.join()"
    )
    process = subprocess.Popen((sys.executable, "-c", program), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    process.stdout.close()


def test_silence_is_measured_by_the_own_clock_and_longer_after_a_start(tmp_path: Path) -> None:
    file = tmp_path / "0.json"
    file.touch()
    beat = heartbeat.Heartbeat(file)
    beat.start(100.0)
    assert (beat.silent_s(159.0), beat.silent_s(161.0)) == (None, 61.0)
    os.utime(file, (1, 1))  # its clock says 1970
    assert (beat.silent_s(162.0), beat.silent_s(171.0), beat.silent_s(173.0)) == (None, None, 11.0)
    file.unlink()  # replaced, or taken away: something did it
    assert (beat.silent_s(174.0), beat.silent_s(185.0)) == (None, 11.0)


def test_on_a_read_only_disk_silence_says_nothing(tmp_path: Path) -> None:
    """The measurement restarts when the file can be touched again."""
    file = tmp_path / "0.json"
    file.touch()
    beat = heartbeat.Heartbeat(file)
    beat.start(100.0)
    with unwritable(tmp_path):
        assert (beat.silent_s(161.0), beat.silent_s(200.0), beat.silent_s(300.0)) == (
            None,
            None,
            None,
        )
    assert (beat.silent_s(301.0), beat.silent_s(370.0)) == (None, 70.0)


def test_a_worker_that_hangs_is_killed_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is stopped with SIGSTOP, as by a debugger, a dead disk or a fault of ours."""
    monkeypatch.setattr(heartbeat, "HANGS_AFTER_S", 3.0)
    layout = Layout(tmp_path)
    beat = status_file(layout, 0)
    stores = {
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "S3_ENDPOINT": "127.0.0.1:9",
        "S3_ACCESS_KEY": "none",
        "S3_SECRET_KEY": "none",
    }
    for name, value in stores.items():
        monkeypatch.setenv(f"SIGHTLINE_{name}", value)
    command = (sys.executable, "-m", "sightline.worker", "--data", str(tmp_path), "--index", "0")
    supervisor = Supervisor(
        [
            [
                ChildSpec(
                    "hanging",
                    command,
                    tmp_path / "log",
                    ready=beat.exists,
                    heartbeat=beat,
                    allowed=WORKER,
                )
            ]
        ],
        CLOCK,
    )
    stop = threading.Event()
    supervisor.start(stop, lambda _: None)
    running = threading.Thread(target=supervisor.run, args=(stop,))
    running.start()
    first, hangs = supervisor.pids["hanging"], CHILD_HANGS.labels("hanging")
    assert first is not None
    before = hangs._value.get()
    os.kill(first, signal.SIGSTOP)
    wait_for("second process", lambda: supervisor.pids["hanging"] != first)
    touched_ns = beat.stat().st_mtime_ns
    wait_for("its beat", lambda: beat.stat().st_mtime_ns != touched_ns)
    second = supervisor.pids["hanging"]
    stop.set()
    running.join()
    supervisor.stop()
    assert second not in (None, first)
    assert hangs._value.get() == before + 1


class _SlowUntil(ManualClock):
    """A clock that runs fast after `goes` exists; until then a child has time for an early exit."""

    def __init__(self, goes: Path) -> None:
        super().__init__()
        self._goes = goes

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        if not self._goes.exists():
            CLOCK.sleep(0.02)
        return super().wait(event, timeout_s)


def test_a_process_that_ends_soon_after_each_start_fails_until_one_lasts(tmp_path: Path) -> None:
    goes = tmp_path / "goes"
    clock = _SlowUntil(goes)
    command = ("/bin/sh", "-c", f"test -e {goes} && exec sleep 60; exit 1")
    supervisor = Supervisor([[ChildSpec("young", command, tmp_path / "log")]], clock)
    stop = threading.Event()
    supervisor.start(stop, lambda _: None)
    running = threading.Thread(target=supervisor.run, args=(stop,))
    running.start()
    try:
        wait_for("failure", lambda: supervisor.fails(["young"]))
        goes.touch()
        wait_for("recovery", lambda: not supervisor.fails(["young"]))
    finally:  # else its thread would go on, and disturb all tests after this one
        stop.set()
        running.join()
        supervisor.stop()
    assert clock.monotonic_s() > FAILS_FOR_S
