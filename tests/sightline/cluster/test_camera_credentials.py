"""A worker receives the credentials of its own cameras, and no others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.camera_states import CameraState, CameraStatus
from domain.clock import ManualClock
from domain.paths.data_layout import Layout
from domain.registry import Secrets
from sightline.cluster.assignment import Assignment
from sightline.cluster.camera_credentials import CredentialReader, CredentialSender
from sightline.cluster.roster import RosterFile
from sightline.cluster.roster_writer import MOVE_WITHIN_S, RosterWriter
from sightline.cluster.site_registry import Running, running_registry, settle
from sightline.processes.message_pipe import MessagePipe, MessageReader
from sightline.processes.status_file import write_statuses

NAMES = [f"gate-{number}" for number in range(4)]
REGISTRY = "version: 1\nareas: {a: {name: a}}\ncameras:\n" + "".join(
    f"  - {{id: {name}, name: x, class: A, area: a, location: {{lon: 1, lat: 2}}, "
    f"url: rtsp://127.0.0.1/{name}, credentials: {name}}}\n"
    for name in NAMES
)
SECRETS = "".join(f"{name}: {{user: admin, password: pw-{name}}}\n" for name in NAMES)
FENCES = dict.fromkeys(NAMES, 1)


def _write_secrets(folder: Path, text: str, mode: int = 0o600) -> None:
    file = folder / "camera_secrets.yaml"
    file.write_text(text)
    file.chmod(mode)


@dataclass
class NodeOfWorkers:
    """A node on a data folder, and the side of its workers without their processes."""

    layout: Layout
    clock: ManualClock
    pipes: dict[int, MessagePipe]
    ends: dict[int, int]
    workers: dict[int, Assignment]
    count: int = 1
    """The number of workers that the cameras need."""

    def writer(self, count: int) -> RosterWriter:
        self.count = count
        sender = CredentialSender(self.layout, self.pipes)
        return RosterWriter(self.layout, lambda _: self.count, sender.send, self.clock)

    def place(self, writer: RosterWriter) -> None:
        registry = running_registry(self.layout)
        writer.place(registry.cameras, FENCES, Running(1, registry))

    def cameras(self, worker: int) -> set[str]:
        return {one.camera.id for one in self.workers[worker].roster.cameras}

    def known(self, worker: int) -> set[str]:
        return _names(self.workers[worker].secrets)


def _names(secrets: Secrets) -> set[str]:
    return {name for name in NAMES if secrets.get(name) is not None}


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NodeOfWorkers]:
    monkeypatch.delenv("SIGHTLINE_SECRETS_FILE", raising=False)
    layout, clock = Layout(tmp_path), ManualClock()
    file = tmp_path / "registry.yaml"
    file.write_text(REGISTRY)
    _write_secrets(tmp_path, SECRETS)
    settle(file, layout, clock)
    pipes = {worker: MessagePipe() for worker in range(2)}
    ends = {worker: pipe.open() for worker, pipe in pipes.items()}
    workers = {
        worker: Assignment(RosterFile(layout, worker), CredentialReader(MessageReader(end)))
        for worker, end in ends.items()
    }
    yield NodeOfWorkers(layout, clock, pipes, ends, workers)
    for worker, pipe in pipes.items():
        pipe.close()
        os.close(ends[worker])


def test_each_worker_knows_the_credentials_of_its_cameras_alone(node: NodeOfWorkers) -> None:
    node.place(node.writer(2))
    for worker in (0, 1):
        assert node.workers[worker].update()
        assert not node.workers[worker].update()
        assert node.known(worker) == node.cameras(worker) != set()
    assert node.known(0).isdisjoint(node.known(1))
    gate = node.workers[0].secrets.get(min(node.known(0)))
    assert gate is not None
    assert gate.password.get_secret_value() == f"pw-{min(node.known(0))}"


def test_a_camera_that_moves_is_known_to_both_workers_until_it_has_moved(
    node: NodeOfWorkers,
) -> None:
    writer = node.writer(1)
    node.place(writer)
    live = [CameraStatus(name, CameraState.LIVE, node.clock.wall_ns()) for name in NAMES]
    write_statuses(node.layout, 0, live)
    node.count = 2
    node.place(writer)
    node.workers[0].update()
    node.workers[1].update()
    moving = node.cameras(1)
    assert moving
    assert node.known(0) == set(NAMES)
    assert node.known(1) == moving
    node.clock.advance(MOVE_WITHIN_S)
    node.place(writer)
    node.place(writer)  # the first call still serves the worker that has not ended the camera
    node.workers[0].update()
    assert node.cameras(0) == node.known(0) == set(NAMES) - moving


def test_a_worker_has_the_credentials_of_a_camera_as_long_as_its_roster_has_it(
    node: NodeOfWorkers,
) -> None:
    writer = node.writer(1)
    node.place(writer)
    node.workers[0].update()
    registry = running_registry(node.layout)
    fewer = Running(2, registry)
    writer.place(registry.cameras[:1], FENCES, fewer)
    credentials = CredentialReader(MessageReader(node.ends[0])).changed()
    assert credentials is None, "they would be missing for cameras that still run"
    writer.place(registry.cameras[:1], FENCES, fewer)
    assert node.workers[0].update()
    assert node.known(0) == {registry.cameras[0].id}


def test_a_changed_secret_reaches_the_worker_without_a_new_registry(node: NodeOfWorkers) -> None:
    writer = node.writer(1)
    node.place(writer)
    node.workers[0].update()
    _write_secrets(node.layout.root, SECRETS.replace("pw-gate-0", "'another one'"))
    node.place(writer)
    assert node.workers[0].update()
    changed = node.workers[0].secrets.get("gate-0")
    assert changed is not None
    assert changed.password.get_secret_value() == "another one"


@pytest.mark.parametrize(
    ("text", "mode"), [("gate-0: {user: adm", 0o600), (SECRETS.replace("pw-", "x-"), 0o644)]
)
def test_a_secrets_file_with_faults_changes_nothing_until_it_is_corrected(
    node: NodeOfWorkers, text: str, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    writer = node.writer(1)
    node.place(writer)
    node.workers[0].update()
    _write_secrets(node.layout.root, text, mode)
    for _ in range(3):
        node.place(writer)
    assert not node.workers[0].update()
    assert len([line for line in caplog.messages if "remain as they were" in line]) == 1
    _write_secrets(node.layout.root, SECRETS.replace("pw-gate-0", "corrected"))
    node.place(writer)
    assert node.workers[0].update()


def test_a_variable_has_precedence_over_the_file(
    node: NodeOfWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_CAMERA_GATE_0", "root:from the environment")
    node.place(node.writer(1))
    node.workers[0].update()
    found = node.workers[0].secrets.get("gate-0")
    assert found is not None
    assert (found.user, found.password.get_secret_value()) == ("root", "from the environment")
