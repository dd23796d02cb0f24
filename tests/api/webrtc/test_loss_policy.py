"""What the reports of a viewer lead to."""

from __future__ import annotations

from collections.abc import Sequence

from api.webrtc.loss_policy import SLOW_WITHIN_S, SUSTAINED_S, LossAction, LossPolicy
from api.webrtc.recovery import MOST_RETURN_AFTER_S, RETURN_AFTER_S, StreamRecovery

CONTINUE, WAIT = LossAction.CONTINUE, LossAction.WAIT_FOR_KEYFRAME
REDUCE, RETURN = LossAction.REDUCE, LossAction.RETURN


def actions(reports: Sequence[tuple[float, float]], has_smaller: bool = True) -> list[LossAction]:
    """Return what reports of a lost part lead to, each at a time in s."""
    policy = LossPolicy()
    return [policy.action_for(part, now_s, has_smaller) for now_s, part in reports]


def test_two_reports_of_high_loss_lead_to_a_keyframe_and_then_to_the_sub_stream() -> None:
    reports = [(0, 0.3), (1, 0.3), (2, 0.3), (3, 0.1), (4, 0.3), (5, 0.3)]
    assert actions(reports) == [CONTINUE, WAIT, CONTINUE, CONTINUE, CONTINUE, REDUCE]
    assert actions(reports, has_smaller=False)[-1] is WAIT


def test_a_high_loss_after_a_long_time_is_the_first_one_again() -> None:
    later_s = 1 + SLOW_WITHIN_S
    assert actions([(0, 0.3), (1, 0.3), (later_s, 0.3), (later_s + 1, 0.3)])[-1] is WAIT


def test_a_moderate_loss_that_lasts_leads_to_the_sub_stream() -> None:
    """A path that is a little too narrow never loses so much at once."""
    lasting = [(float(second), 0.1) for second in range(int(SUSTAINED_S) + 1)]
    assert actions(lasting) == [*[CONTINUE] * int(SUSTAINED_S), REDUCE]
    assert set(actions(lasting, has_smaller=False)) == {CONTINUE}
    interrupted = [(at_s, 0.01 if at_s == 10 else part) for at_s, part in lasting]
    assert set(actions(interrupted)) == {CONTINUE}
    random = [(float(second), 0.05) for second in range(10 * int(SUSTAINED_S))]
    assert set(actions(random)) == {CONTINUE}, "retransmission repairs this"


def test_a_reduced_viewer_returns_after_a_time_of_low_loss() -> None:
    lossy = [(float(second), 0.3) for second in range(4)]
    low = [(4 + second, 0.01) for second in range(int(RETURN_AFTER_S) + 1)]
    assert actions([*lossy, *low])[3:] == [REDUCE, *[CONTINUE] * int(RETURN_AFTER_S), RETURN]
    medium = [(part_s, 0.1 if part_s == 30 else loss) for part_s, loss in low]
    assert RETURN not in actions([*lossy, *medium])


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
