"""The spool: whole or absent, whatever dies when."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path

import pytest

from domain.clock import NS_PER_S, ManualClock
from domain.errors import StoreError
from domain.metrics import CROSSINGS, EVENTS, SPOOL_ENTRIES_DAMAGED
from domain.paths.data_layout import Layout
from domain.paths.object_keys import CLIP, CROP, SIDECAR, SNAPSHOT
from domain.ulid import END_MS, id_text
from storage.events.spool import Spool
from tests.kept import make_event, make_passing
from tests.small_disk import small_disk


@pytest.fixture
def spool(layout: Layout, clock: ManualClock) -> Spool:
    return Spool(layout, clock)


def count(camera: str = "gate") -> float:
    return float(EVENTS.labels(camera, "vehicle")._value.get())


def test_what_is_put_is_pending_with_its_pictures(spool: Spool) -> None:
    passing = make_passing(make_event())
    before = count()
    spool.put(passing)
    (entry,) = spool.pending(["gate", "bridge"])
    assert spool.passing(entry) == passing
    assert spool.event(entry) == passing.event
    assert (entry.started_ns, entry.ended_ns) == (passing.event.started_at, passing.event.ended_at)
    assert spool.picture(passing.event.id, "gate", CROP) == passing.crop_jpeg
    assert count() == before + 1
    spool.remove(entry)
    assert spool.pending(["gate"]) == []
    assert spool.picture(passing.event.id, "gate", CROP) is None
    assert list((entry.path.parent).iterdir()) == []


def test_the_entries_are_counted_without_drafts(spool: Spool) -> None:
    assert spool.count() == 0
    spool.put(make_passing(make_event()))
    spool.put(make_passing(make_event(camera="bridge")))
    spool.put_draft(make_passing(make_event(after_s=60)))
    assert spool.count() == 2
    spool.remove(spool.pending(["gate"])[0])
    assert spool.count() == 1


def test_each_count_line_that_was_crossed_is_counted_by_the_side_gone_to(spool: Spool) -> None:
    ways = [
        CROSSINGS.labels("gate", line, way)._value
        for line, way in ((1, "right"), (1, "left"), (2, "left"))
    ]
    before = [way.get() for way in ways]
    passing = make_passing(make_event().model_copy(update={"crossed": (1, -2)}))
    spool.put(passing)
    spool.put(passing)
    assert [way.get() - was for way, was in zip(ways, before, strict=True)] == [1, 0, 1]


def test_putting_again_changes_nothing_and_counts_nothing(spool: Spool) -> None:
    passing = make_passing(make_event())
    spool.put(passing)
    before = count()
    spool.put(passing)
    spool.put(make_passing(make_event(lasts_s=0.5)))
    (entry,) = spool.pending(["gate"])
    assert spool.passing(entry) == passing
    assert count() == before


def test_a_passing_that_went_on_takes_the_place(spool: Spool) -> None:
    spool.put(make_passing(make_event()))
    (older,) = spool.pending(["gate"])
    longer = make_passing(make_event(lasts_s=9), b"better")
    spool.put(longer)
    (entry,) = spool.pending(["gate"])
    assert spool.passing(entry) == longer
    spool.remove(older)
    assert spool.pending(["gate"]) == [entry], "letting go of the older state leaves the newer"


def test_of_two_states_left_by_a_crash_the_newer_counts(
    spool: Spool, layout: Layout, tmp_path: Path
) -> None:
    spool.put(make_passing(make_event()))
    (older,) = spool.pending(["gate"])
    shutil.copytree(older.path, tmp_path / "kept")
    spool.put(make_passing(make_event(lasts_s=9)))
    shutil.copytree(tmp_path / "kept", older.path)
    (entry,) = spool.pending(["gate"])
    assert entry.ended_ns == make_event(lasts_s=9).ended_at


def test_drafts_are_overwritten_and_give_way(spool: Spool, clock: ManualClock) -> None:
    first, second = make_passing(make_event()), make_passing(make_event(lasts_s=2), b"better")
    spool.put_draft(first)
    spool.put_draft(second)  # the clock stands still
    clock.advance(-10)  # or goes back
    third = make_passing(make_event(lasts_s=3))
    spool.put_draft(third)
    assert spool.drafts("gate") == [third]
    assert spool.pending(["gate"]) == [], "a draft is not to be kept"
    spool.put(make_passing(make_event(lasts_s=4)))
    assert spool.drafts("gate") == []
    other = make_passing(make_event(camera="bridge"))
    spool.put_draft(other)
    spool.drop_draft(other.event.id)
    spool.drop_draft(other.event.id)
    assert spool.drafts("bridge") == []


@pytest.mark.parametrize("damage", ["torn", "empty", "absent", "other", "unreadable"])
def test_a_damaged_entry_is_set_aside_and_counted(spool: Spool, damage: str) -> None:
    spool.put(make_passing(make_event(after_s=1)))
    spool.put(make_passing(make_event()))
    entry = min(spool.pending(["gate"]))
    before = SPOOL_ENTRIES_DAMAGED.labels("gate")._value.get()
    file = entry.path / "event.json"
    text = file.read_text("utf-8")
    file.write_text(
        {
            "torn": text[:50],
            "empty": "",
            "other": make_event(camera="bridge").to_json(),
        }.get(damage, ""),
        "utf-8",
    )
    if damage in ("absent", "unreadable"):
        file.unlink()
    if damage == "unreadable":
        file.mkdir()  # reading it is an error of the system, as with a bad sector
    assert spool.event(entry) is None
    assert len(spool.pending(["gate"])) == 1
    assert SPOOL_ENTRIES_DAMAGED.labels("gate")._value.get() == before + 1
    (aside,) = spool.damaged()
    assert (aside / SNAPSHOT).exists(), "what can still be looked at is not deleted"
    assert spool.cameras() == ["gate"]


def test_an_event_that_starts_too_late_for_the_index_is_set_aside(spool: Spool) -> None:
    far = make_event().model_copy(update={"id": id_text(END_MS, bytes(10))})
    spool.put(make_passing(far))
    (entry,) = spool.pending(["gate"])
    assert spool.event(entry) is None
    assert len(spool.damaged()) == 1


def test_a_missing_picture_is_damage_too(spool: Spool) -> None:
    spool.put(make_passing(make_event()))
    (entry,) = spool.pending(["gate"])
    (entry.path / SNAPSHOT).unlink()
    assert spool.passing(entry) is None
    assert len(spool.damaged()) == 1


@pytest.mark.parametrize("name", [SIDECAR, SNAPSHOT])
def test_a_draft_that_the_disk_cannot_read_hides_no_other(spool: Spool, name: str) -> None:
    bad, good = make_passing(make_event()), make_passing(make_event(after_s=1))
    spool.put_draft(bad)
    (draft,) = spool._drafts_of("gate", bad.event.id)
    spool.put_draft(good)
    (draft.path / name).unlink()
    (draft.path / name).mkdir()
    assert spool.drafts("gate") == [good]
    assert len(spool.damaged()) == 1


def test_what_cannot_be_set_aside_stays_and_is_logged(
    spool: Spool, layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    spool.put(make_passing(make_event()))
    (entry,) = spool.pending(["gate"])
    (entry.path / SIDECAR).write_text("")
    (layout.spool / ".damaged").write_text("a file where a folder must be")
    for _ in range(2):
        assert spool.event(entry) is None
    assert spool.pending(["gate"]) == [entry]
    assert caplog.text.count("it cannot be set aside") == 1


def test_a_process_without_descriptors_sets_no_entry_aside(spool: Spool) -> None:
    spool.put(make_passing(make_event()))
    (entry,) = spool.pending(["gate"])
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        with pytest.raises(StoreError, match="Too many open files"):
            spool.event(entry)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert spool.event(entry) == make_event()


def test_what_dead_writers_left_is_swept(spool: Spool, layout: Layout) -> None:
    spool.put(make_passing(make_event()))
    folder = layout.spool_of("gate")
    for name in (".new.999999999.x", ".gone.999999999.y"):
        (folder / name).mkdir()
        (folder / name / "half").write_text("")
    assert len(spool.pending(["gate"])) == 1
    spool.sweep(["gate", "unknown"])
    assert len(list(folder.iterdir())) == 1


def test_what_clips_will_be_cut_from_is_reported(spool: Spool) -> None:
    event = make_event()
    spool.put(make_passing(event))
    assert spool.clip_ranges(3, 2.5) == [
        ("gate", event.started_at - 3 * NS_PER_S, event.ended_at + 2 * NS_PER_S + NS_PER_S // 2)
    ]


@pytest.mark.parametrize(
    ("event_id", "camera", "name"),
    [("..", "gate", CROP), ("x", "..", CROP), (make_event().id, "../gate", CROP)],
)
def test_no_path_is_made_of_what_was_typed(
    spool: Spool, event_id: str, camera: str, name: str
) -> None:
    spool.put(make_passing(make_event()))
    assert spool.picture(event_id, camera, name) is None
    assert spool.picture(make_event().id, "gate", CLIP) is None
    assert spool.picture(make_event().id, "gate", "../../secrets.json") is None


def test_a_disk_that_refuses_acknowledges_nothing(spool: Spool, layout: Layout) -> None:
    layout.spool.parent.mkdir(exist_ok=True)
    layout.spool.write_text("a file where a folder must be")
    with pytest.raises(StoreError, match="spool"):
        spool.put(make_passing(make_event()))


def test_what_a_full_disk_refuses_takes_no_space(tmp_path: Path, clock: ManualClock) -> None:
    with small_disk(tmp_path / "disk", 1) as folder:
        layout = Layout(folder)
        spool = Spool(layout, clock)
        spool.put(make_passing(make_event(camera="bridge")))
        free_bytes = shutil.disk_usage(folder).free
        for _ in range(3):
            clock.advance(1)
            with pytest.raises(StoreError, match="No space left"):
                spool.put_draft(make_passing(make_event(), bytes(free_bytes)))
        with pytest.raises(StoreError, match="No space left"):
            spool.put(make_passing(make_event(), bytes(free_bytes)))
        assert list(layout.spool_of("gate").iterdir()) == []
        assert spool.picture(make_event(camera="bridge").id, "bridge", CROP) is not None
