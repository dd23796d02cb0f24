"""A short soak of few cameras with faults: no figure grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.soak import Soak


@pytest.mark.e2e
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("models_folder")
def test_a_minute_leaves_all_flat(tmp_path: Path) -> None:
    report = Soak(cameras=6, minutes=1.0, seed=5, folder=tmp_path).run()
    assert report["faults"] == []
    assert {"supervisor", "worker-0", "live", "api"} <= set(report["rises"])
    last = [counts for counts in report["counts"] if len(counts) > 1][
        -1
    ]  # a moment when the site did not answer in time has none
    assert last["sightline_packets_total"] > 6 * 25 * 30
    assert last["sightline_reconnects_total"] > 0
