"""The benchmark of the index on a small cluster; every run measures a single server anyway."""

from __future__ import annotations

from benchmarks.index.measurement import at_a_cluster
from benchmarks.index.questions import QUESTIONS


def test_a_cluster_is_filled_and_asked() -> None:
    report = at_a_cluster(20_000, 3)
    assert report["events"] == 20_000
    assert report["queries"].keys() == {question.name for question in QUESTIONS}
    assert (
        min(
            report["writes_a_second"],
            report["server_us_a_write"],
            *(said["p50_ms"] for said in report["queries"].values()),
        )
        > 0
    )
