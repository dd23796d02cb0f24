"""Cameras over their bitrate limit are found in the files of the node's workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.camera_states import CameraState, CameraStatus
from domain.paths.data_layout import Layout
from sightline.processes.status_file import over_limit, touch_heartbeat, write_statuses
from tests.unwritable import unwritable


@pytest.mark.parametrize("over", [set[str](), {"one"}, {"one", "three"}])
def test_cameras_over_their_limit(tmp_path: Path, over: set[str]) -> None:
    layout = Layout(tmp_path)
    layout.statuses.mkdir(parents=True)
    for worker, cameras in enumerate((("one", "two"), ("three",))):
        write_statuses(
            layout,
            worker,
            [
                CameraStatus(camera, CameraState.LIVE, 0, over_limit=camera in over)
                for camera in cameras
            ],
        )
    assert over_limit(layout) == over


def test_on_a_read_only_disk_a_worker_goes_on_in_silence(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_statuses(layout, 0, [])
    with unwritable(tmp_path):
        touch_heartbeat(layout, 0)
        with pytest.raises(OSError, match=r"Read-only|Permission"):
            write_statuses(layout, 0, [])
