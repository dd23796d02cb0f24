"""Tests wait for a condition, never for a period: durations depend on the machine's load."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

from domain.clock import SystemClock

T = TypeVar("T")
PATIENCE_S = 120.0
"""The bound of every wait in the tests. It only ends a test that would hang."""
_FIRST_POLL_S, _LONGEST_POLL_S = 0.01, 0.1
_CLOCK = SystemClock()


def wait_for(what: str, probe: Callable[[], T | None], timeout_s: float = PATIENCE_S) -> T:
    """Ask `probe` again and again, and return its first true result. Fails, and names `what`,
    after `timeout_s`.
    """
    deadline_s, pause_s = _CLOCK.monotonic_s() + timeout_s, _FIRST_POLL_S
    while not (found := probe()):
        if _CLOCK.monotonic_s() > deadline_s:
            pytest.fail(f"no {what} after {timeout_s:.0f} s")
        _CLOCK.sleep(pause_s)
        pause_s = min(1.2 * pause_s, _LONGEST_POLL_S)
    return found


def wait_event(what: str, event: threading.Event) -> None:
    """Wait until another thread sets `event`. Fails, and names `what`, after `PATIENCE_S`."""
    if not event.wait(PATIENCE_S):
        pytest.fail(f"no {what} after {PATIENCE_S:.0f} s")
