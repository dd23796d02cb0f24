"""The soak's test of whether a figure grows."""

from __future__ import annotations

import pytest

from benchmarks.processes import Held
from benchmarks.soak import Series, faults_found, fitted, name_of

MB = 1_000_000


def _series(memory_mb: list[float], descriptors: int = 50, threads: int = 9) -> Series:
    held = [Held(round(one * MB), descriptors, threads) for one in memory_mb]
    return Series({1}, [10.0 * number for number in range(len(held))], held)


def test_a_line_is_fitted() -> None:
    assert fitted([(0, 1), (1, 3), (2, 5)]) == pytest.approx((2, 1))
    assert fitted([(4, 7)]) == (0, 7)


def test_what_rises_after_the_warm_up_is_found() -> None:
    warming = [20.0 + 10 * number for number in range(10)] + [
        120.0,
        121,
        119,
        120,
        122,
        118,
        120,
        121,
        119,
        120,
    ]
    assert faults_found({"worker-0": _series(warming)}, warm_up_s=100) == []
    leaking = [100.0 + 2 * number for number in range(20)]
    (fault,) = faults_found({"worker-0": _series(leaking)}, warm_up_s=50)
    assert fault.startswith("worker-0: resident_bytes rises by 28000000")
    assert faults_found({"seaweedfs": _series(leaking)}, warm_up_s=50) == []


def test_a_process_that_ended_meanwhile_is_found() -> None:
    series = _series([100.0, 100.0])
    series.pids.add(2)
    assert faults_found({"live": series}, 0) == ["live was started again"]


def test_processes_are_named() -> None:
    assert name_of("python -m sightline.worker --data /d --index 3 --live-port 4") == "worker-3"
    assert name_of("/x/python -m sightline up --registry r") == "supervisor"
    assert name_of("/x/weed server -dir=/d") == "seaweedfs"
    assert name_of("sh") is None
