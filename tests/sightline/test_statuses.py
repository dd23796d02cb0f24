"""Who sends more than it may is found in the files of the node's workers, also by the quick look."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.layout import Layout
from domain.states import CameraState, CameraStatus
from sightline.statuses import over_limit, write_statuses


@pytest.mark.parametrize("over", [set[str](), {"one"}, {"one", "three"}])
def test_who_is_over_its_limit(tmp_path: Path, over: set[str]) -> None:
    layout = Layout(tmp_path)
    layout.statuses.mkdir(parents=True)
    for worker, cameras in enumerate((("one", "two"), ("three",))):
        write_statuses(layout, worker, [CameraStatus(camera, CameraState.LIVE, 0, over_limit=camera in over) for camera in cameras])
    assert over_limit(layout) == over
