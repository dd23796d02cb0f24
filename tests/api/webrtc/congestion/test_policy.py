"""What the reports of a viewer lead to."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from api.webrtc.congestion.policy import (
    AGAIN_WITHIN_S,
    NARROW_S,
    SLIGHTLY_NARROW_S,
    SUSTAINED_S,
    CongestionAction,
    CongestionPolicy,
)
from api.webrtc.congestion.recovery import MOST_RETURN_AFTER_S, RETURN_AFTER_S, StreamRecovery

CONTINUE, WAIT = CongestionAction.CONTINUE, CongestionAction.WAIT_FOR_KEYFRAME
REDUCE, STOP, RETURN = (
    CongestionAction.REDUCE,
    CongestionAction.STOP_AND_REDUCE,
    CongestionAction.RETURN,
)
MAIN_BITS_PER_S = 2_000_000.0


def actions(
    reports: Sequence[tuple[float, float]], has_smaller: bool = True
) -> list[CongestionAction]:
    """Return what reports of a lost part lead to, each at a time in s."""
    policy = CongestionPolicy()
    return [policy.on_loss(part, now_s, has_smaller) for now_s, part in reports]


def on_estimates(
    parts: Sequence[float], every_s: float = 1.0, has_smaller: bool = True
) -> list[CongestionAction]:
    """Return what estimates lead to, which are parts of the bit rate of the stream."""
    policy = CongestionPolicy()
    return [
        policy.on_estimate(part * MAIN_BITS_PER_S, MAIN_BITS_PER_S, at * every_s, has_smaller)
        for at, part in enumerate(parts)
    ]


def test_a_high_loss_that_comes_again_soon_leads_to_the_sub_stream() -> None:
    assert actions([(0, 0.3), (1, 0.01), (AGAIN_WITHIN_S, 0.3)]) == [CONTINUE, CONTINUE, STOP]
    later_s = AGAIN_WITHIN_S + 1
    assert actions([(0, 0.3), (1, 0.01), (later_s, 0.3)]) == [CONTINUE] * 3


def test_without_a_sub_stream_a_high_loss_that_comes_again_leads_to_a_keyframe() -> None:
    reports = [(float(second), 0.3) for second in range(5)]
    waits = [CONTINUE, WAIT, CONTINUE, WAIT, CONTINUE]
    assert actions(reports, has_smaller=False) == waits


def test_a_moderate_loss_that_lasts_leads_to_the_sub_stream() -> None:
    """A path that is a little too narrow never loses so much at once."""
    lasting = [(float(second), 0.1) for second in range(int(SUSTAINED_S) + 1)]
    assert actions(lasting) == [*[CONTINUE] * int(SUSTAINED_S), REDUCE]
    assert set(actions(lasting, has_smaller=False)) == {CONTINUE}
    interrupted = [(at_s, 0.01 if at_s == 4 else part) for at_s, part in lasting]
    assert set(actions(interrupted)) == {CONTINUE}
    random = [(float(second), 0.04) for second in range(10 * int(SUSTAINED_S))]
    assert set(actions(random)) == {CONTINUE}, "a few packets are always under way again"


def test_a_path_that_carries_less_than_the_stream_leads_to_the_sub_stream() -> None:
    assert on_estimates([1.4, 0.6, 0.6]) == [CONTINUE, CONTINUE, REDUCE]
    assert set(on_estimates([1.4, 0.6, 0.6, 0.6], has_smaller=False)) == {CONTINUE}
    assert REDUCE not in on_estimates([0.6] * 4, every_s=NARROW_S / 4)


def test_a_short_delay_changes_nothing() -> None:
    """A browser then estimates 0.85 of what it receives, and more from report to report."""
    one = [1.5, 0.85, 0.88, 0.93, 0.98, 1.05]
    assert set(on_estimates(one * 20)) == {CONTINUE}


def test_a_path_that_is_a_little_too_narrow_leads_to_the_sub_stream_later() -> None:
    lasting = [1.2, *[0.85] * (int(SLIGHTLY_NARROW_S) + 1)]
    assert on_estimates(lasting) == [*[CONTINUE] * (1 + int(SLIGHTLY_NARROW_S)), REDUCE]


def test_an_estimate_that_rises_or_stays_is_no_evidence_of_a_narrow_path() -> None:
    """A browser cannot estimate more than 1.5 times what it receives, and follows slowly."""
    assert set(on_estimates([0.2 * 1.08**at for at in range(30)])) == {CONTINUE}
    assert REDUCE not in on_estimates([*[1.2] * 6, *[0.3 * 1.03**at for at in range(9)]])


def test_an_estimate_says_nothing_while_the_bit_rate_is_not_known() -> None:
    policy = CongestionPolicy()
    assert {policy.on_estimate(1000, 0.0, float(at), True) for at in range(20)} == {CONTINUE}


def test_a_new_stream_is_judged_by_its_own_reports() -> None:
    policy = CongestionPolicy()
    policy.on_estimate(1000, MAIN_BITS_PER_S, 0.0, has_smaller=True)
    policy.on_loss(0.3, 0.0, has_smaller=True)
    policy.begin_stream()
    assert policy.on_estimate(1000, MAIN_BITS_PER_S, 5.0, has_smaller=True) is CONTINUE
    assert policy.on_loss(0.3, 5.0, has_smaller=True) is CONTINUE


def test_a_reduced_viewer_returns_after_a_time_of_low_loss() -> None:
    lossy = [(float(second), 0.3) for second in range(2)]
    low = [(2 + second, 0.01) for second in range(int(RETURN_AFTER_S) + 1)]
    assert actions([*lossy, *low])[1:] == [STOP, *[CONTINUE] * int(RETURN_AFTER_S), RETURN]
    medium = [(part_s, 0.1 if part_s == 30 else loss) for part_s, loss in low]
    assert RETURN not in actions([*lossy, *medium])


@pytest.mark.parametrize(("estimate", "returns"), [(100_000, False), (400_000, True)])
def test_a_path_that_carries_less_than_the_sub_stream_gets_no_main_stream(
    estimate: int, returns: bool
) -> None:
    policy, found = CongestionPolicy(), set()
    policy.on_estimate(500_000, MAIN_BITS_PER_S, 0.0, has_smaller=True)
    policy.on_loss(0.3, 0.0, has_smaller=True)
    policy.on_loss(0.3, 1.0, has_smaller=True)
    for second in range(2, 10 + int(RETURN_AFTER_S)):
        policy.on_estimate(estimate, 300_000, second, has_smaller=False)
        found.add(policy.on_loss(0.0, second, has_smaller=False))
    assert (RETURN in found) is returns


def test_each_return_takes_twice_as_long_as_the_former_one() -> None:
    timer, now_s, waits = StreamRecovery(), 0.0, []
    for _ in range(6):
        timer.reduce()
        began_s = now_s
        assert not timer.is_due(keeps_up=True, now_s=now_s)
        while not timer.is_due(keeps_up=True, now_s=now_s):
            now_s += 10
        waits.append(now_s - began_s)
        timer.forget()
        assert not timer.is_due(keeps_up=True, now_s=now_s + 10_000)
    assert waits == [60, 120, 240, 480, 960, MOST_RETURN_AFTER_S]
