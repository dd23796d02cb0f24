"""Recordings of each kind of stream."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recorded import KINDS, packets_of, record
from tests.storage.recordings.virtual.recording_pool import Pool, record_pool


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """12 s of each kind of stream, in segments of about 2 s."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in KINDS}
    for kind, folder in folders.items():
        record(packets_of(KINDS[kind]), folder)
    return folders


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """Segments of about 2 s of many kinds."""
    return record_pool(tmp_path_factory.mktemp("pool"))
