"""Ids are ULIDs: of the track's start, sortable by it, and the same for a replay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.ulid import END_MS, event_id, id_text, is_event_id, wall_ms_of

TIMES = st.integers(0, END_MS * 1_000_000 - 1)


@given(TIMES, st.text(max_size=8))
def test_an_id_carries_its_start_and_a_replay_makes_it_again(wall_ns: int, key: str) -> None:
    made = event_id("cam", "vehicle", wall_ns, key)
    assert is_event_id(made)
    assert wall_ms_of(made) == wall_ns // 1_000_000
    assert made == event_id("cam", "vehicle", wall_ns, key)
    assert made != event_id("cam", "face", wall_ns, key)
    assert made != event_id("other", "vehicle", wall_ns, key)


@given(TIMES, TIMES)
def test_ids_sort_by_start(a_ns: int, b_ns: int) -> None:
    if a_ns // 1_000_000 < b_ns // 1_000_000:
        assert event_id("c", "face", a_ns, "") < event_id("c", "face", b_ns, "")
    assert id_text(a_ns // 1_000_000, bytes(10)) <= event_id("c", "face", a_ns, "")


def test_other_forms_are_no_ids() -> None:
    for text in (
        "",
        "01KAV9FT3VCYG8S5DWKJXDAWE",
        "81KAV9FT3VCYG8S5DWKJXDAWE5",
        "01kav9ft3vcyg8s5dwkjxdawe5",
        "01KAV9FT3VCYG8S5DWKJXDAWEU",
        "*",
        "01KAV9FT3VCYG8S5DWKJXDAWE5\n",
        "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        id_text(END_MS, bytes(10)),
    ):
        assert not is_event_id(text)
    assert is_event_id(id_text(END_MS - 1, bytes(10)))
