"""The order of shedding is kept, it ends, everything is restored, and it does not oscillate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.camera_states import Shed
from domain.events.event import Location
from domain.registry import Camera
from domain.registry.camera_priority import importance_of
from sightline.overload.shedding_policy import (
    LOWER_AFTER_S,
    RAISE_AFTER_S,
    Ladder,
    Load,
    ShedLevels,
    order,
)

Class = Literal["A", "B", "C"]


def camera(
    camera_id: str, class_: str = "A", checkpoint: bool = False, priority: int = 5
) -> Camera:
    return Camera.model_validate(
        {
            "id": camera_id,
            "name": camera_id,
            "class": class_,
            "area": "a",
            "location": Location(lon=0, lat=0),
            "url": "rtsp://10.0.0.1/1",
            "checkpoint": ["plate"] if checkpoint else [],
            "priority": priority,
        }
    )


CAMERAS = [
    camera("a", "A"),
    camera("a-gate", "A", checkpoint=True),
    camera("b", "B"),
    camera("b-gate", "B", checkpoint=True, priority=9),
    camera("c-low", "C", priority=1),
    camera("c-high", "C", priority=8),
]
sites = st.lists(
    st.tuples(st.sampled_from("ABC"), st.booleans(), st.integers(0, 9)), min_size=1, max_size=40
).map(lambda drawn: [camera(f"cam-{i}", *one) for i, one in enumerate(drawn)])
worker_loads = st.builds(Load, st.sampled_from([0.0, 0.8, 1.2]), st.sampled_from([0.0, 0.8, 1.2]))


def test_the_order_is_the_stated_one() -> None:
    assert [one.id for one in order(CAMERAS)] == ["c-low", "c-high", "b", "b-gate", "a", "a-gate"]
    assert [one.id for one in order(CAMERAS, {"a"})] == [
        "a",
        "c-low",
        "c-high",
        "b",
        "b-gate",
        "a-gate",
    ]


@given(sites)
def test_shedding_follows_the_importance_of_cameras(site: list[Camera]) -> None:
    importances = [importance_of(one) for one in order(site)]
    assert importances == sorted(importances)


def run(
    pressure: ShedLevels,
    load: Load,
    seconds: int,
    begin_s: float = 0,
    cameras: list[Camera] = CAMERAS,
) -> list[Mapping[str, Shed]]:
    ladder = Ladder.for_cameras(cameras)
    return [pressure.update(load, ladder, begin_s + second) for second in range(seconds)]


def test_an_overloaded_processor_sheds_analytics_before_recording_and_restores_in_reverse() -> None:
    pressure = ShedLevels()
    up = _changes(run(pressure, Load(processor=1.5), 200))
    slower, none, gone = Shed.ANALYTICS_SLOWER, Shed.ANALYTICS, Shed.RECORDING
    assert up[:5] == [
        {},
        {"b-gate": slower},
        {"b-gate": slower, "a-gate": slower},
        {"b-gate": none, "a-gate": slower},
        {"b-gate": none, "a-gate": none},
    ]
    assert up[5] == {**up[4], "c-low": gone}
    assert up[-1] == {one.id: gone for one in CAMERAS}
    down = _changes(run(pressure, Load(), 4000, 200))
    assert down == up[::-1]


def test_a_full_disk_takes_cameras_and_leaves_analytics_alone() -> None:
    up = _changes(run(ShedLevels(), Load(disk=1.5), 200))
    assert up[1] == {"c-low": Shed.RECORDING_FOR_DISK}
    assert set(up[-1].values()) == {Shed.RECORDING_FOR_DISK}


def test_a_disk_that_has_room_again_gets_all_cameras_back_at_once_but_not_again_and_again() -> None:
    pressure = ShedLevels()
    assert len(run(pressure, Load(disk=1.5), 12)[-1]) == 2
    assert run(pressure, Load(), 5, 12)[-1] == {}
    assert len(run(pressure, Load(disk=1.5), 12, 17)[-1]) == 2, (
        "the restored cameras filled it again"
    )
    assert len(run(pressure, Load(), 30, 29)[-1]) == 2, "so the next try waits"
    assert run(pressure, Load(), 400, 59)[-1] == {}


def test_cameras_shed_for_the_processor_are_restored_step_by_step() -> None:
    pressure = ShedLevels()
    run(pressure, Load(processor=1.5), 33)
    both = run(pressure, Load(disk=1.5), 7, 33)[-1]
    assert [both[one] for one in ("c-low", "c-high", "b")] == [
        Shed.RECORDING,
        Shed.RECORDING,
        Shed.RECORDING_FOR_DISK,
    ]
    left = run(pressure, Load(), 6, 40)[-1]
    assert "b" not in left
    assert left["c-high"] is Shed.RECORDING


def test_one_bad_second_gives_up_nothing() -> None:
    pressure, ladder = ShedLevels(), Ladder.for_cameras(CAMERAS)
    for second in range(100):
        load = Load(processor=9.0) if second % 10 == 0 else Load(processor=0.5)
        assert pressure.update(load, ladder, second) == {}


@given(site=sites, samples=st.lists(st.tuples(worker_loads, st.integers(1, 40)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_the_order_is_never_violated(site: list[Camera], samples: list[tuple[Load, int]]) -> None:
    pressure, ladder, now_s = ShedLevels(), Ladder.for_cameras(site), 0.0
    ordered = [one.id for one in order(site)]
    checkpoints = [one.id for one in order(site) if one.checkpoint]
    before: Mapping[str, Shed] = {}
    for load, seconds in samples:
        for _ in range(seconds):
            now_s += 1
            shed = pressure.update(load, ladder, now_s)
            _is_a_beginning(
                ordered, [shed.get(one, Shed.NOTHING).is_of_recording for one in ordered]
            )
            _is_a_beginning(
                checkpoints,
                [
                    shed.get(one) in (Shed.ANALYTICS, Shed.RECORDING, Shed.RECORDING_FOR_DISK)
                    for one in checkpoints
                ],
            )
            _is_a_beginning(checkpoints, [one in shed for one in checkpoints])
            grew = {one for one in ordered if shed.get(one, Shed.NOTHING).is_of_recording} - {
                one for one in ordered if before.get(one, Shed.NOTHING).is_of_recording
            }
            if grew and load.disk < 1:
                given_up = (Shed.ANALYTICS, Shed.RECORDING, Shed.RECORDING_FOR_DISK)
                assert all(shed.get(one) in given_up for one in checkpoints), (
                    "analytics goes before recording"
                )
            before = shed


@given(site=sites, load=st.floats(0.1, 3.0), later=st.floats(0.0, 0.3))
@settings(max_examples=15, deadline=None)
def test_under_a_constant_load_it_settles_and_does_not_flap(
    site: list[Camera], load: float, later: float
) -> None:
    """Shed cameras reduce the load. There is an hour of high load, and then an hour of low load."""
    pressure, ladder, changes, before = ShedLevels(), Ladder.for_cameras(site), 0, dict[str, Shed]()
    for second in range(3600):
        shed = dict(pressure.update(Load(processor=load * _left(site, before)), ladder, second))
        changes += shed != before
        before = shed
    last_load = load * _left(site, before)
    assert last_load < 1 or len(before) == len(site)
    assert changes <= 3 * 20 + 16, "once up all the steps, and a few tries to come back"
    for second in range(3600, 20_000):
        before = dict(pressure.update(Load(processor=later * _left(site, before)), ladder, second))
    assert before == {}


def test_how_soon() -> None:
    pressure = ShedLevels()
    assert run(pressure, Load(processor=2), 10)[round(RAISE_AFTER_S)] != {}
    assert len(_changes(run(pressure, Load(), round(3 * LOWER_AFTER_S), 10))) > 1


def test_removed_cameras_do_not_shed_others() -> None:
    pressure = ShedLevels()
    run(pressure, Load(disk=2), 200)
    assert set(pressure.update(Load(disk=0.8), Ladder.for_cameras(CAMERAS[:2]), 200)) == {
        "a",
        "a-gate",
    }
    assert pressure.update(Load(disk=0.8), Ladder.for_cameras([]), 201) == {}


def _left(site: list[Camera], shed: Mapping[str, Shed]) -> float:
    weights = {
        Shed.NOTHING: 1.0,
        Shed.ANALYTICS_SLOWER: 0.8,
        Shed.ANALYTICS: 0.6,
        Shed.RECORDING: 0.0,
        Shed.RECORDING_FOR_DISK: 0.0,
    }
    return sum(weights[shed.get(one.id, Shed.NOTHING)] for one in site) / len(site)


def _is_a_beginning(names: list[str], given_up: list[bool]) -> None:
    assert sorted(given_up, reverse=True) == given_up, dict(zip(names, given_up, strict=True))


def _changes(states: list[Mapping[str, Shed]]) -> list[Mapping[str, Shed]]:
    return [state for at, state in enumerate(states) if at == 0 or state != states[at - 1]]
