"""The rules of the rooms: who may import whom, one door for each foreign library, and what a
worker does not load at its start.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "domain": {"domain"},
    "storage": {"domain", "storage"},
    "ingest": {"domain", "storage", "ingest"},
    "analytics": {"domain", "storage", "analytics"},
    "api": {"domain", "storage", "api"},
    "sightline": {"domain", "storage", "ingest", "analytics", "api", "sightline"},
}
DOORS = {
    "redis": {"storage/clients/redis.py"},
    "minio": {"storage/clients/s3.py"},
    "urllib3": {"storage/clients/s3.py"},
    "duckdb": {"storage/clients/duckdb.py"},
    "onnxruntime": {"analytics/inference/onnx_runtime.py"},
    "onnx": {"analytics/models.py"},
    "aiortc": {"api/webrtc.py"},
    "cryptography": {"sightline/processes/certificates.py"},
    "time": {"domain/clock.py"},
}
RTSP_DOOR, RTSP_OPENERS = "ingest/rtsp/source.py", {"ingest/rtsp/libav.py"}
RTSP_READERS = {"ingest.rtsp.libav", "ingest.rtsp.connection"}


def _files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def _imports(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    files = _files(room)
    assert files
    for file in files:
        foreign = (_imports(file) & set(MAY_IMPORT)) - MAY_IMPORT[room]
        assert not foreign, f"{file.relative_to(ROOT)} imports {sorted(foreign)}"


@pytest.mark.parametrize("library", DOORS)
def test_a_library_has_one_door(library: str) -> None:
    users = {
        str(file.relative_to(ROOT))
        for room in MAY_IMPORT
        for file in _files(room)
        if library in _imports(file)
    }
    assert users <= DOORS[library]


def test_rtsp_has_one_door_to_its_two_readers() -> None:
    """libavformat is given RTSP options in one file (other users of `av` open local files or
    codecs), and the door alone picks a reader.
    """
    files = [file for room in MAY_IMPORT for file in _files(room)]
    assert {
        _name(file) for file in files if "rtsp_transport" in file.read_text("utf-8")
    } == RTSP_OPENERS
    assert {_name(file) for file in files if _modules(file) & RTSP_READERS} == {RTSP_DOOR}


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def _modules(file: Path) -> set[str]:
    """Full names of what `file` imports, and of what it imports from there."""
    nodes = [
        node
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
    ]
    return {f"{node.module}.{alias.name}" for node in nodes for alias in node.names} | {
        str(node.module) for node in nodes
    }


def test_relative_imports_are_not_used() -> None:
    for room in MAY_IMPORT:
        for file in _files(room):
            nodes = ast.walk(ast.parse(file.read_text("utf-8")))
            assert not [
                node for node in nodes if isinstance(node, ast.ImportFrom) and node.level
            ], file


def test_a_worker_starts_without_what_most_never_need() -> None:
    """Models and DuckDB take a hundred megabytes and a second: they are loaded by the first who
    asks for them.
    """
    told = (
        "import sys, sightline.worker; print(*{'duckdb', 'onnxruntime', 'cv2'} & "
        "sys.modules.keys())"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []
