"""The pictures since the newest keyframe, within bounds that several holders share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.media.held_gop import HeldGop, MemoryLimit
from domain.media.viewer_metrics import LIVE_GOPS_NOT_HELD


def _not_held() -> float:
    return float(LIVE_GOPS_NOT_HELD._value.get())


def test_it_begins_with_the_newest_keyframe() -> None:
    gop: HeldGop[int] = HeldGop(MemoryLimit(1000))
    for number in range(7):
        gop.put(number, 10, is_keyframe=number in (2, 5))
    assert gop.items == (5, 6)


def test_a_group_beyond_its_limit_is_not_held_and_counted() -> None:
    bound, before = MemoryLimit(1000), _not_held()
    gop: HeldGop[str] = HeldGop(bound, max_bytes=25)
    for name in ("key", "delta"):
        gop.put(name, 10, is_keyframe=name == "key")
    gop.put("too much", 10, is_keyframe=False)
    gop.put("later", 1, is_keyframe=False)
    assert list(gop.items) == []
    assert (bound.used_bytes, _not_held()) == (0, before + 1)
    gop.put("next key", 10, is_keyframe=True)
    assert list(gop.items) == ["next key"]


def test_holders_without_viewers_leave_a_quarter_to_the_others() -> None:
    bound = MemoryLimit(100)
    idle: HeldGop[str] = HeldGop(bound)
    watched: HeldGop[str] = HeldGop(bound)
    idle.put("key", 75, is_keyframe=True, is_idle=True)
    idle.put("delta", 1, is_keyframe=False, is_idle=True)
    assert idle.items == ()
    idle.put("key", 75, is_keyframe=True, is_idle=True)
    watched.put("key", 25, is_keyframe=True)
    assert (len(idle.items), len(watched.items)) == (1, 1)
    watched.put("key", 26, is_keyframe=True)
    assert watched.items == ()


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 40), st.booleans(), st.booleans()), max_size=60
    )
)
def test_what_is_held_is_what_is_counted(puts: list[tuple[int, int, bool, bool]]) -> None:
    bound = MemoryLimit(100)
    holders: list[HeldGop[int]] = [HeldGop(bound, max_bytes=60) for _ in range(3)]
    for holder, size_bytes, is_keyframe, is_idle in puts:
        holders[holder].put(size_bytes, size_bytes, is_keyframe, is_idle)
        assert sum(sum(one.items) for one in holders) == bound.used_bytes <= 100
    for one in holders:
        one.clear()
    assert bound.used_bytes == 0
