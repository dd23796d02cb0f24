"""The spool of the tests of camera runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.clock import ManualClock
from domain.paths.data_layout import Layout
from tests.sightline.cameras.idle_checkpoint import FullDisk


@pytest.fixture
def spool(tmp_path: Path) -> FullDisk:
    return FullDisk(Layout(tmp_path), ManualClock())
