"""Repeated messages become one line a second, and all of them are counted."""

from __future__ import annotations

import logging
import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.clock import ManualClock
from domain.log import MAX_KEYS, FloodGate, set_levels


def test_two_hundred_messages_are_two_lines_and_all_are_counted() -> None:
    lines: list[str] = []
    clock = ManualClock()
    gate = FloodGate(lines.append, clock)
    for number in range(200):
        gate("refused", f"gate-{number}: refused")
    gate.flush()
    assert lines == ["gate-0: refused"]
    clock.advance(1)
    gate.flush()
    gate.flush()
    assert lines[1:] == ["gate-199: refused (and 198 more like it)"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 0.7), st.booleans()), max_size=60))
def test_no_key_has_two_lines_within_a_second_and_every_message_is_counted(
    calls: list[tuple[str, float, bool]],
) -> None:
    clock = ManualClock()
    lines: list[tuple[float, str]] = []
    gate = FloodGate(lambda line: lines.append((clock.monotonic_s(), line)), clock)
    for key, pause_s, flushes in calls:
        clock.advance(pause_s)
        gate(key, key)
        if flushes:
            gate.flush()
    clock.advance(1.01)
    gate.flush()
    for key in "ab":
        own = [(at_s, line) for at_s, line in lines if line.startswith(key)]
        assert all(later[0] - sooner[0] >= 0.999 for sooner, later in pairwise(own))
        counted = sum(
            1 + int(match[1]) if (match := re.search(r"and (\d+) more", line)) else 1
            for _, line in own
        )
        assert counted == sum(name == key for name, _, _ in calls)


def test_many_keys_take_bounded_memory_and_every_message_is_counted() -> None:
    lines: list[str] = []
    clock = ManualClock()
    gate = FloodGate(lines.append, clock)
    for number in range(3 * MAX_KEYS):
        gate(f"key {number}", "first")
        gate(f"key {number}", "second")
        gate(f"key {number}", "third")
    assert len(gate._last) == MAX_KEYS
    clock.advance(1.0)
    gate.flush()
    assert lines.count("first") == lines.count("third (and 1 more like it)") == 3 * MAX_KEYS


def test_a_level_that_is_set_already_touches_no_logger() -> None:
    """A forked process would otherwise write to the memory of all loggers."""
    name = "sightline.test_of_levels"
    root, logger = logging.getLogger(), logging.getLogger(name)
    former = root.level
    try:
        set_levels("ERROR")
        assert logging.getLogger("httpx").level == logging.WARNING
        assert not logger.isEnabledFor(logging.INFO)
        set_levels("ERROR")
        assert logger._cache  # type: ignore[attr-defined]
        set_levels("INFO")
        assert not logger._cache  # type: ignore[attr-defined]
        assert logger.isEnabledFor(logging.INFO)
    finally:
        root.setLevel(former)
