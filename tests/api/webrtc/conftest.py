"""The stream, session and viewer of a test."""

from __future__ import annotations

import pytest

from tests.api.webrtc.viewer_world import World


@pytest.fixture
def world() -> World:
    return World()
