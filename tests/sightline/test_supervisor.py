"""Children that end are started again, later and later while they keep ending young; a stop leaves none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from domain.clock import SystemClock
from sightline.child import LOG_LIMIT_BYTES, Child, ChildSpec
from sightline.supervisor import Restarts, Supervisor

CLOCK = SystemClock()


def test_pauses_grow_and_are_forgotten_after_a_healthy_life() -> None:
    restarts = Restarts()
    assert [restarts.pause_s(1.0) for _ in range(9)] == [0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert restarts.pause_s(60.0) == 0.0


def test_a_killed_child_comes_back_and_a_stop_ends_it(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    script = f"echo $$ >> {marks}; exec sleep 60"
    supervisor = Supervisor([[ChildSpec("sleeper", ("/bin/sh", "-c", script), tmp_path / "log", ready=marks.exists)]], CLOCK)
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


def _stop_after_lines(file: Path, count: int, stop: threading.Event) -> None:
    deadline_s = CLOCK.monotonic_s() + 20
    while len(file.read_text().split()) < count and CLOCK.monotonic_s() < deadline_s:
        CLOCK.sleep(0.05)
    stop.set()


def test_children_end_with_their_parent(tmp_path: Path) -> None:
    """The parent is killed without a chance to clean up; the kernel does."""
    program = (
        "import sys, time; from pathlib import Path; from domain.clock import SystemClock; from sightline.child import Child, ChildSpec\n"
        f"child = Child(ChildSpec('c', ('sleep', '60'), Path({str(tmp_path / 'log')!r})), SystemClock()); child.start()\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen((sys.executable, "-c", program), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = Path(f"/proc/{int(parent.stdout.readline())}")
    assert child.exists()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline_s = CLOCK.monotonic_s() + 10
    while child.exists() and "Z" not in (child / "stat").read_text().rpartition(")")[2] and CLOCK.monotonic_s() < deadline_s:
        CLOCK.sleep(0.05)
    assert not child.exists() or "Z" in (child / "stat").read_text().rpartition(")")[2]


def test_a_log_that_has_grown_begins_anew_and_keeps_its_end(tmp_path: Path) -> None:
    log = tmp_path / "c.log"
    log.write_bytes(b"x" * LOG_LIMIT_BYTES + b"the end")
    Child(ChildSpec("c", ("true",), log), CLOCK).bound_log()
    assert log.stat().st_size == 0
    assert log.with_suffix(".log.1").read_bytes().endswith(b"the end")


def test_a_child_that_cannot_be_started_again_stops_nobody_else(tmp_path: Path) -> None:
    """Its folder was taken away, or the disk is full: the supervisor goes on looking after the others."""
    folder, marks = tmp_path / "folder", tmp_path / "marks"
    folder.mkdir()
    homeless = ChildSpec("homeless", ("/bin/sh", "-c", "exec sleep 60"), tmp_path / "log", cwd=folder)
    other = ChildSpec("other", ("/bin/sh", "-c", f"echo $$ >> {marks}; exec sleep 60"), tmp_path / "log", ready=marks.exists)
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


def test_signals_set_the_event_whatever_the_main_thread_does() -> None:
    program = (
        "import threading; from sightline.supervisor import stop_on_signals; stop = stop_on_signals(); print('ready', flush=True)\n"
        "while not stop.is_set(): t = threading.Thread(target=int); t.start(); t.join()"
    )
    process = subprocess.Popen((sys.executable, "-c", program), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    process.stdout.close()
