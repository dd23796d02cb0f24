"""The tuned garbage collector of long-lived processes."""

from __future__ import annotations

import gc

from sightline.processes.gc_tuning import collect_seldom


def test_what_is_loaded_is_never_looked_through_again() -> None:
    thresholds = gc.get_threshold()
    try:
        loaded: list[list[int]] = [[] for _ in range(1000)]
        collect_seldom(20_000)
        assert gc.get_threshold()[0] == 20_000
        assert gc.get_freeze_count() > len(loaded)
        looked_through = {id(found) for found in gc.get_objects()}
        assert not any(id(one) in looked_through for one in loaded)
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
