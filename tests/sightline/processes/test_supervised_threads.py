"""A job that raises restarts after a pause; one that returns or is stopped does not."""

from __future__ import annotations

import threading

from domain.clock import ManualClock, SystemClock
from sightline.processes.supervised_threads import PAUSE_S, Jobs, run_supervised
from tests.waiting import PATIENCE_S


def test_a_job_that_fails_begins_again_until_it_ends() -> None:
    clock, lives = ManualClock(), iter([ValueError("a fault of ours"), OSError("disk"), None])

    def job() -> None:
        fault = next(lives)
        if fault is not None:
            raise fault

    run_supervised("look", "gate", job, threading.Event(), clock)
    assert clock.waits_s == [PAUSE_S, PAUSE_S]


def test_a_job_that_fails_while_stopping_is_left() -> None:
    stop, runs = threading.Event(), []

    def job() -> None:
        runs.append(1)
        stop.set()
        raise ValueError("a fault of ours")

    run_supervised("look", "gate", job, stop, ManualClock())
    assert runs == [1]


def test_a_job_that_waits_for_something_else_is_woken_to_end() -> None:
    woken, seen = threading.Event(), []

    def job(stop: threading.Event) -> None:
        while not stop.is_set():
            seen.append(woken.wait(PATIENCE_S))

    jobs = Jobs({"waits": job}, "worker-0", SystemClock(), [woken.set])
    jobs.start()
    jobs.stop()
    assert seen == [True]
