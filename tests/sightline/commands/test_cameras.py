"""`sightline cameras list`: its table, and where its states come from."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from pathlib import Path

import pytest

from domain.camera_states import CameraState, CameraStatus, Why
from domain.clock import ManualClock
from domain.paths.data_layout import Layout
from sightline.cluster import site_registry
from sightline.commands.cameras import list_cameras, print_table
from storage.clients.redis import connect
from storage.site.camera_states import CameraStates

SINCE_NS = 1_764_000_000_000_000_000


def test_each_camera_is_one_line_with_its_whole_error(capsys: pytest.CaptureFixture[str]) -> None:
    error = "the camera answers [bold]no[/bold]: " + "far too long " * 30
    live = CameraStatus(
        "gate", CameraState.LIVE, SINCE_NS, codec="h264", width_px=1920, height_px=1080, fps=25.0
    )
    failed = CameraStatus("school-north", CameraState.UNREACHABLE, 0, error, why=Why.NO_PATH)
    print_table([live, failed])
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["camera", "state", "since", "picture", "fps", "why", "last", "error"]
    assert first.split() == ["gate", "live", "2025-11-24T16:00:00Z", "h264", "1920x1080", "25.0"]
    assert second.endswith(f" no_path  {error.strip()}")
    places = [line.index(word) for line, word in ((first, "live"), (second, "unreachable"))]
    assert places == [head.index("state")] * 2


def test_an_error_of_a_camera_cannot_control_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table([CameraStatus("gate", CameraState.UNREACHABLE, 0, "401\n\x1b]0;owned\x07")])
    printed = capsys.readouterr().out
    assert "401 ?]0;owned?" in printed
    assert "\x1b" not in printed


REGISTRY = """version: 1
areas: {centre: {name: Centre}}
cameras:
- {id: gate, name: Gate, class: A, area: centre, location: {lon: 1, lat: 2}, url: "rtsp://gate/"}
- {id: yard, name: Yard, class: B, area: centre, location: {lon: 1, lat: 2}, url: "rtsp://yard/"}
"""


def _listed(data: Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, str], str]:
    """Run the command; return the state of each camera, and the messages."""
    assert list_cameras(argparse.Namespace(data=data, json=True)) == 0
    printed = capsys.readouterr()
    return {row["camera_id"]: row["state"] for row in json.loads(printed.out)}, printed.err


def _settle(data: Path) -> None:
    file = data / "registry.yaml"
    file.write_text(REGISTRY)
    assert site_registry.settle(file, Layout(data), ManualClock()) is None


def test_the_states_come_from_redis(
    tmp_path: Path,
    valkey_server: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SIGHTLINE_REDIS_URL", valkey_server)
    _settle(tmp_path)
    with closing(connect(valkey_server)) as redis:
        CameraStates(redis).publish([CameraStatus("gate", CameraState.LIVE, SINCE_NS)])
    assert _listed(tmp_path, capsys) == ({"gate": "live", "yard": "unknown"}, "")


def test_without_an_instance_the_states_are_unknown_and_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SIGHTLINE_REDIS_URL", raising=False)
    _settle(tmp_path)
    states, messages = _listed(tmp_path, capsys)
    assert states == {"gate": "unknown", "yard": "unknown"}
    assert messages == (
        f"no instance runs on {tmp_path}, so the states of its cameras are unknown\n"
    )
    assert not Layout(tmp_path).valkey.exists()
