"""A data folder has one instance with private secrets; a dead instance does not count."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from domain.clock import SystemClock
from domain.errors import InstanceBusy, RegistryInvalid
from domain.paths.data_layout import Layout
from sightline.cluster import site_registry
from sightline.privileges.store_users import StoreUser
from sightline.processes.instance import (
    Runtime,
    claimed,
    instance_secrets,
    move_older_files,
    publish,
    runtime_of,
    store_environment,
)
from tests.unwritable import unwritable

GOOD = """\
version: 1
areas: {a: {name: a}}
cameras: [{id: one, name: x, class: A, area: a, location: {lon: 1, lat: 2}, url: rtsp://127.0.0.1/1}]
"""
CLOCK = SystemClock()
RUNTIME = Runtime(pid=1, api_port=2, node_api_port=3, valkey_port=4, s3_port=None)


def test_a_second_claim_is_refused_and_names_the_holder(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with (
        claimed(layout, CLOCK),
        pytest.raises(InstanceBusy, match=r"process \d+"),
        claimed(layout, CLOCK),
    ):
        pass
    with claimed(layout, CLOCK):
        pass


def test_an_instance_ends_in_order_on_a_read_only_disk(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with ExitStack() as instance, ExitStack() as disk:
        instance.enter_context(claimed(layout, CLOCK))
        publish(layout, RUNTIME)
        disk.enter_context(unwritable(tmp_path))
        instance.close()
        assert layout.runtime.exists()
    assert runtime_of(layout) is None


def test_what_a_killed_instance_left_running_is_waited_for(tmp_path: Path) -> None:
    """Two servers on one folder would damage it.

    The child needs a moment to end, as a worker does.
    """
    ready = tmp_path / "ready"
    child = f"trap 'sleep 1; exit' TERM; touch {ready}; while :; do sleep 0.1; done"
    program = (
        "import time; from pathlib import Path; from domain.clock import SystemClock; from "
        "domain.paths.data_layout import Layout\n"
        "from sightline.processes.child import Child, ChildSpec; from "
        "sightline.processes.instance import claimed\n"
        f"folder = Path({str(tmp_path)!r}); claim = claimed(Layout(folder), SystemClock())\n"
        f"spec = ChildSpec('c', ('/bin/sh', '-c', {child!r}), folder / 'log', "
        f"ready=Path({str(ready)!r}).exists)\n"
        "child = Child(spec, SystemClock(), (claim.__enter__(),)); child.start()\n"
        "child.wait_ready(); print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen((sys.executable, "-c", program), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    orphan = int(parent.stdout.readline())
    parent.kill()
    assert Path(f"/proc/{orphan}").exists()
    with claimed(Layout(tmp_path), CLOCK):
        state = Path(f"/proc/{orphan}/stat")
        assert not state.exists() or state.read_text().rpartition(") ")[2].startswith("Z")
    parent.wait()
    parent.stdout.close()


def test_the_runtime_of_a_killed_instance_is_not_believed(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with claimed(layout, CLOCK):
        publish(layout, RUNTIME)
        assert runtime_of(layout) == RUNTIME
    assert runtime_of(layout) is None
    publish(layout, RUNTIME)
    assert runtime_of(layout) is None


def test_secrets_are_drawn_once_and_private(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    first = instance_secrets(layout)
    assert instance_secrets(layout) == first
    assert len({first.valkey_password, first.s3_access_key, first.s3_secret_key}) == 3
    assert stat.S_IMODE(layout.secrets.stat().st_mode) == 0o600
    environment = store_environment(layout, 4, None, StoreUser.NODE)
    assert set(environment) == {"SIGHTLINE_REDIS_URL"}
    assert first.valkey_password not in environment["SIGHTLINE_REDIS_URL"]


def test_stored_fields_keep_the_names_of_earlier_versions(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with claimed(layout, CLOCK):
        publish(layout, RUNTIME)
        assert json.loads(layout.runtime.read_text())["door_port"] == RUNTIME.node_api_port


def test_a_bad_registry_leaves_the_last_good_one_running(tmp_path: Path) -> None:
    layout, file = Layout(tmp_path / "data"), tmp_path / "r.yaml"
    file.write_text(GOOD.replace("class: A", "class: Z"))
    with pytest.raises(RegistryInvalid):
        site_registry.settle(file, layout, CLOCK)
    file.write_text(GOOD)
    assert site_registry.settle(file, layout, CLOCK) is None
    file.write_text(GOOD.replace("one", "two").replace("class: A", "class: Z"))
    assert site_registry.settle(file, layout, CLOCK) is not None
    registry, _ = site_registry.running(layout)
    assert [camera.id for camera in registry.cameras] == ["one"]
    (fault,) = site_registry.faults_shown(layout)
    assert (fault.line, fault.column) == (3, 37)
    file.write_text(GOOD.replace("one", "two"))
    assert site_registry.settle(file, layout, CLOCK) is None
    assert site_registry.faults_shown(layout) == ()


def test_a_password_that_went_missing_stops_no_other_camera(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, file = Layout(tmp_path / "data"), tmp_path / "r.yaml"
    file.write_text(GOOD.replace("1}]", "1, credentials: gate}]"))
    monkeypatch.setenv("SIGHTLINE_CAMERA_GATE", "a:b")
    assert site_registry.settle(file, layout, CLOCK) is None
    monkeypatch.delenv("SIGHTLINE_CAMERA_GATE")
    registry, secrets = site_registry.running(layout)
    assert [camera.id for camera in registry.cameras] == ["one"]
    assert secrets.get("gate") is None
    secrets_file = layout.root / "camera_secrets.yaml"
    secrets_file.write_bytes(b"\xff{")
    registry, _ = site_registry.running(layout)
    assert [camera.id for camera in registry.cameras] == ["one"]


def test_damaged_secrets_are_not_repeated(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.secrets.parent.mkdir(parents=True, exist_ok=True)
    layout.secrets.write_text('{"valkey_password": "hunter2", "s3_secret_key": ["hunter2"]}')
    with pytest.raises(ValueError, match="s3_access_key") as invalid:
        instance_secrets(layout)
    assert "hunter2" not in str(invalid.value)


def test_a_start_moves_the_files_of_an_older_version(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for former, _ in layout.moved_files:
        former.write_text(former.name)
    with claimed(layout, CLOCK):
        assert [present.read_text() for _, present in layout.moved_files] == [
            "registry.json",
            "former_cameras.json",
            "holds.json",
            "site.json",
        ]
        assert not any(former.exists() for former, _ in layout.moved_files)


def test_of_two_files_the_newer_one_is_kept(tmp_path: Path) -> None:
    """An older version ran again after the files were moved."""
    layout = Layout(tmp_path)
    for is_former_newer in (True, False):
        for former, present in layout.moved_files:
            present.parent.mkdir(exist_ok=True)
            former.write_text("former")
            present.write_text("present")
            os.utime(present if is_former_newer else former, (1, 1))
        move_older_files(layout)
        kept = {present.read_text() for _, present in layout.moved_files}
        assert kept == {"former" if is_former_newer else "present"}
        assert not any(former.exists() for former, _ in layout.moved_files)
