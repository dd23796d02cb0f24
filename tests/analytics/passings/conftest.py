"""The street of the tests of passings."""

from __future__ import annotations

import pytest

from tests.analytics.drawn import (
    MakeCamera,
    MakeFound,
    MakeFrame,
    Street,
)  # fmt: skip


@pytest.fixture
def street(make_camera: MakeCamera, make_found: MakeFound, make_frame: MakeFrame) -> Street:
    return Street(make_camera(), make_found, make_frame)
