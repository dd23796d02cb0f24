"""A step of the clock is detected once, and does not affect steady time."""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path

import pytest

from domain.clock import (
    NS_PER_HOUR,
    NS_PER_MS,
    NS_PER_S,
    ManualClock,
    SystemClock,
    parse_rfc3339,
    rfc3339,
)


class Machine:
    """The two clocks of the machine, which the test controls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall_ns, self.monotonic_ns = 1_760_000_000 * NS_PER_S, 5 * NS_PER_S
        monkeypatch.setattr(time, "time_ns", lambda: self.wall_ns)
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.monotonic_ns)

    def pass_s(self, seconds: float, slew_ppm: int = 0) -> None:
        self.monotonic_ns += round(seconds * NS_PER_S)
        self.wall_ns += round(seconds * (1_000_000 + slew_ppm) * 1000)


@pytest.mark.parametrize("by_s", [3600, -3600, 0.6, -0.6])
def test_a_step_is_logged_once_and_does_not_change_steady_time(
    by_s: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine(monkeypatch)
    clock = SystemClock()
    before_ns = clock.steady_ns()
    machine.pass_s(1)
    machine.wall_ns += round(by_s * NS_PER_S)
    with caplog.at_level(logging.WARNING):
        assert clock.wall_ns() == machine.wall_ns
        assert clock.steady_ns() == before_ns + NS_PER_S
        machine.pass_s(1)
        assert clock.steady_ns() == before_ns + 2 * NS_PER_S
    assert clock.stepped_ns == round(by_s * NS_PER_S)
    assert clock.wall_ns() - clock.steady_ns() == clock.stepped_ns
    (step,) = clock.steps
    assert step.to_ns - step.from_ns == clock.stepped_ns
    assert [record.message.startswith("clock_stepped: ") for record in caplog.records] == [True]
    assert ("forward" if by_s > 0 else "back") in caplog.text


def test_slewing_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    clock = SystemClock()
    for _ in range(3600):
        machine.pass_s(1, slew_ppm=500)
        assert clock.steady_ns() == clock.wall_ns() == machine.wall_ns
    assert not clock.steps


def test_a_suspended_thread_is_no_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch)
    clock = SystemClock()
    answers = iter([7 * NS_PER_S])  # the first question is answered two seconds before the others
    monkeypatch.setattr(time, "monotonic_ns", lambda: next(answers, machine.monotonic_ns))
    machine.pass_s(4)
    clock.steady_ns()
    assert not clock.steps
    assert abs(clock.steady_ns() - machine.wall_ns) < NS_PER_MS


def test_a_manual_clock_steps_alike() -> None:
    clock = ManualClock()
    before_ns = clock.steady_ns()
    clock.step(-3600)
    clock.advance(2)
    assert clock.steady_ns() == before_ns + 2 * NS_PER_S
    assert clock.wall_ns() == before_ns - 3598 * NS_PER_S
    assert clock.stepped_ns == -NS_PER_HOUR


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00.000Z", "0026-11-29T17:00:00.000Z"])
def test_an_early_year_is_written_with_four_digits(text: str) -> None:
    assert rfc3339(parse_rfc3339(text)) == text


def test_an_hour_and_a_day_are_defined_once() -> None:
    root = Path(__file__).parents[2]
    packages = ("domain", "storage", "ingest", "analytics", "api", "sightline", "simulator")
    found = [
        path.relative_to(root).as_posix()
        for package in packages
        for path in sorted((root / package).rglob("*.py"))
        if re.search(r"\b(86_400|3_600_000)", path.read_text())
    ]
    assert found == ["domain/clock.py"], "use S_PER_DAY, MS_PER_DAY, MS_PER_HOUR or NS_PER_DAY"
