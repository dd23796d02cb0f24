"""Threads that a test leaves behind would go on during the next tests, and use their stores."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from domain.clock import SystemClock

ENDS_WITHIN_S = 20.0
"""A thread that was stopped may need this long on a busy machine."""
_OF_SERVERS = "AnyIO worker thread"
"""The threads of a server that runs for several tests, which it starts when it needs them."""
_CLOCK = SystemClock()


@contextmanager
def no_thread_left() -> Iterator[None]:
    """Fail, and name the threads, if any that started meanwhile does not end."""
    before = set(threading.enumerate())
    yield
    deadline_s = _CLOCK.monotonic_s() + ENDS_WITHIN_S
    started = [one for one in threading.enumerate() if one not in before]
    for thread in started:
        if thread.name != _OF_SERVERS:
            thread.join(max(0.0, deadline_s - _CLOCK.monotonic_s()))
            if thread.is_alive():
                pytest.fail(f"the test leaves the thread {thread.name} behind")
