"""A camera that moves between workers is run by both until the new one records it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from domain.camera_states import CameraState, CameraStatus
from domain.clock import ManualClock
from domain.paths.data_layout import Layout
from domain.registry import Camera, Registry
from sightline.cluster.roster import (
    NodeRosters,
    Roster,
    RosterFile,
    read_roster,
    worker_count,
    write_roster,
)
from sightline.cluster.roster_writer import RosterWriter
from sightline.cluster.site_registry import Running, running, settle
from sightline.processes.status_file import write_statuses

NAMES = [f"gate-{number}" for number in range(8)]


def registry() -> str:
    cameras = "".join(
        f"  - {{id: {name}, name: x, class: A, area: a, location: {{lon: 1, lat: 2}}, url: "
        f"rtsp://127.0.0.1/{name}}}\n"
        for name in NAMES
    )
    return f"version: 1\nareas: {{a: {{name: a}}}}\ncameras:\n{cameras}"


def settled(folder: Path) -> tuple[Layout, ManualClock, Registry]:
    """Return a data folder whose registry runs, a clock, and the registry."""
    layout, clock = Layout(folder), ManualClock()
    file = folder / "registry.yaml"
    file.write_text(registry())
    settle(file, layout, clock)
    site, _ = running(layout)
    return layout, clock, site


def rostered(layout: Layout, worker: int) -> set[str]:
    roster = RosterFile(layout, worker).changed()
    return set() if roster is None else {one.camera.id for one in roster.cameras}


@pytest.mark.parametrize("state", CameraState)
def test_only_a_camera_that_is_live_stays_in_its_old_worker_until_the_new_one_records_it(
    state: CameraState, tmp_path: Path
) -> None:
    layout, clock, site = settled(tmp_path)
    version = Running(1, site)
    fences = dict.fromkeys(NAMES, 1)
    count = 1
    writer = RosterWriter(layout, lambda _: count, lambda *_: None, clock)
    writer.place(site.cameras, fences, version)
    write_statuses(layout, 0, [CameraStatus(name, state, clock.wall_ns()) for name in NAMES])
    count = 2
    version = Running(2, site)
    writer.place(site.cameras, fences, version)
    moved = rostered(layout, 1)
    assert moved
    assert (moved <= rostered(layout, 0)) is state.is_live
    # At a start no worker runs that a camera could stay in.
    writer = RosterWriter(layout, lambda _: 3, lambda *_: None, clock)
    writer.place(site.cameras, fences, version)
    moved = rostered(layout, 2)
    assert moved
    assert not moved & (rostered(layout, 0) | rostered(layout, 1))


@pytest.mark.parametrize("restarts", [False, True])
def test_cameras_that_become_checkpoints_are_spread_and_analysed_by_one_worker_each(
    restarts: bool, tmp_path: Path
) -> None:
    layout, clock, site = settled(tmp_path)
    fences, recorded = dict.fromkeys(NAMES, 1), site.cameras[:2]
    checkpoints = [one.model_copy(update={"checkpoint": ("plate",)}) for one in recorded]

    def count(cameras: Sequence[Camera]) -> int:
        return max(1, sum(bool(camera.checkpoint) for camera in cameras))

    writer = RosterWriter(layout, count, lambda *_: None, clock)
    writer.place(recorded, fences, Running(1, site))
    write_statuses(
        layout,
        0,
        [CameraStatus(one.id, CameraState.LIVE, clock.wall_ns()) for one in recorded],
    )
    if restarts:
        writer = RosterWriter(layout, count, lambda *_: None, clock)
    writer.place(checkpoints, fences, Running(2, site))
    first, second = (read_roster(layout, worker).cameras for worker in (0, 1))
    (moved,) = [one.camera for one in second]
    assert moved in checkpoints
    # The old worker records it as before until the new worker records it.
    assert [one.camera for one in first if one.camera.id == moved.id] == [
        one for one in recorded if one.id == moved.id and not restarts
    ]
    assert moved in NodeRosters(layout).cameras()
    assert [one.camera.id for one in first if one.camera.checkpoint] == [
        one.id for one in checkpoints if one.id != moved.id
    ]


def test_unchanged_rosters_are_not_made_again_and_credentials_are_still_sent(
    tmp_path: Path,
) -> None:
    layout, clock, sent = Layout(tmp_path), ManualClock(), list[tuple[int, int]]()
    file = tmp_path / "registry.yaml"
    file.write_text(registry())
    settle(file, layout, clock)
    site, _ = running(layout)
    fences = dict.fromkeys(NAMES, 1)
    writer = RosterWriter(
        layout, lambda _: 1, lambda worker, cameras: sent.append((worker, len(cameras))), clock
    )
    for _ in range(2):
        writer.place(site.cameras, fences, Running(1, site))
    first = writer._written[0]
    writer.place(site.cameras, fences, Running(1, site))
    assert writer._written[0] is first
    assert sent == [(0, 8), (0, 16), (0, 8)]
    writer.place(site.cameras, {**fences, "gate-1": 2}, Running(1, site))
    assert {one.camera.id: one.fence for one in writer._written[0].cameras}["gate-1"] == 2


def test_rosters_that_the_disk_refused_are_written_when_it_accepts_them(tmp_path: Path) -> None:
    layout, clock, site = settled(tmp_path)
    writer = RosterWriter(layout, lambda _: 1, lambda *_: None, clock)
    for _ in range(2):
        writer.place(site.cameras, dict.fromkeys(NAMES, 1), Running(1, site))
    assert rostered(layout, 0) == set(NAMES)
    rosters = layout.rosters
    rosters.rename(tmp_path / "aside")
    rosters.write_text("in the way")
    with pytest.raises(FileExistsError):
        writer.place(site.cameras[:4], dict.fromkeys(NAMES, 1), Running(1, site))
    rosters.unlink()
    (tmp_path / "aside").rename(rosters)
    writer.place(site.cameras[:4], dict.fromkeys(NAMES, 1), Running(1, site))
    assert rostered(layout, 0) == set(NAMES[:4])


def test_a_node_that_is_killed_before_it_writes_rosters_keeps_those_of_its_earlier_run(
    tmp_path: Path,
) -> None:
    """It may wait for Redis for long, and start again meanwhile."""
    layout, clock, site = settled(tmp_path)
    fences = dict.fromkeys(NAMES, 7)
    RosterWriter(layout, lambda _: 3, lambda *_: None, clock).place(
        site.cameras, fences, Running(1, site)
    )
    RosterWriter(layout, lambda _: 2, lambda *_: None, clock)  # This run is killed.
    writer = RosterWriter(layout, lambda _: 2, lambda *_: None, clock)
    assert writer.before == fences
    writer.place(site.cameras, fences, Running(1, site))
    assert worker_count(layout) == 2
    assert rostered(layout, 0) | rostered(layout, 1) == set(NAMES)


@pytest.mark.parametrize("damage", [b"{", b"\xff", None])
def test_a_worker_keeps_its_cameras_if_its_new_roster_cannot_be_read(
    damage: bytes | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layout = Layout(tmp_path)
    write_roster(layout, 0, Roster(registry=1))
    file = RosterFile(layout, 0)
    assert file.changed() == Roster(registry=1)
    layout.roster(0).unlink()
    if damage is None:
        layout.roster(0).mkdir()
    else:
        layout.roster(0).write_bytes(damage)
    assert file.changed() is None
    assert "cannot be read" in caplog.text
    assert RosterWriter(layout, lambda _: 1, lambda *_: None, ManualClock()).before == {}


def test_workers_become_more_with_the_cameras_and_never_fewer_while_a_node_runs(
    tmp_path: Path,
) -> None:
    layout, clock, site = settled(tmp_path)
    fences = dict.fromkeys(NAMES, 1)
    writer = RosterWriter(layout, lambda cameras: len(cameras) // 4, lambda *_: None, clock)
    for cameras, workers in ((site.cameras[:4], 1), (site.cameras, 2), (site.cameras[:4], 2)):
        writer.place(cameras, fences, Running(1, site))
        assert worker_count(layout) == workers
