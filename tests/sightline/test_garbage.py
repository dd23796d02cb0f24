"""What refers to itself is freed within a minute, however old it grew before it was garbage."""

from __future__ import annotations

import gc
import threading
import weakref

from domain.clock import ManualClock
from sightline.garbage import COLLECT_EVERY_S, Collector


class Ring:
    def __init__(self) -> None:
        self.itself = self


def test_what_grew_old_before_it_was_garbage_goes_within_a_minute() -> None:
    clock, gone, ring = ManualClock(), threading.Event(), Ring()
    gc.collect()
    gc.collect()  # it is of the oldest generation now, which Python by itself seldom looks at
    weakref.finalize(ring, gone.set)
    del ring
    assert not gone.is_set()
    Collector(clock).run(stop=gone)
    assert clock.waits_s[0] == COLLECT_EVERY_S
    assert len(clock.waits_s) <= 2
