"""The secrets of cameras: where they come from, and the faults of their file."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.registry import load_registry
from tests.domain.registry.checked_registry import CAMERA, HEAD, faults_of


@pytest.mark.parametrize(
    "text",
    [
        CAMERA + "    credentials: admin:hunter2\n",
        CAMERA + "    credentials: {admin:hunter2: 1}\n",
        CAMERA + "    credentials: *hunter2\n",
        CAMERA + "    credentials: !hunter2 admin\n",
        CAMERA + "    transport: admin:hunter2\n",
        CAMERA + "    admin:hunter2: 1\n",
        CAMERA + "    admin:hunter2: 1\n    admin:hunter2: 1\n",
        CAMERA.replace("dan/jun", "admin:hunter2"),
        2 * CAMERA.replace("id: east", "id: admin:hunter2"),
        CAMERA.replace("10.0.0.1", "admin:hunter2/x@10.0.0.1"),
        CAMERA.replace("10.0.0.1", "admin:12/hunter2@10.0.0.1"),
    ],
)
def test_a_mistyped_secret_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    faults = faults_of(tmp_path, HEAD + text)
    assert faults
    assert "HUNTER2" not in "".join(faults).upper()


@pytest.mark.parametrize(
    "data",
    [
        "'admin:hunter2': x\n",
        "gate: *hunter2\n",
        "gate: !hunter2 x\n",
        "gate: {user: a, password: !hunter2}\n",
        "admin:hunter2\n",
    ],
)
def test_a_fault_of_the_secrets_file_repeats_no_value(tmp_path: Path, data: str) -> None:
    secrets_file = tmp_path / "camera_secrets.yaml"
    secrets_file.write_text(data)
    secrets_file.chmod(0o600)
    faults = faults_of(tmp_path, HEAD + CAMERA)
    assert faults
    assert "hunter2" not in "".join(faults)


def test_secrets_come_from_the_environment_before_the_file_and_are_never_shown(
    tmp_path: Path,
) -> None:
    secrets_file = tmp_path / "camera_secrets.yaml"
    secrets_file.write_text(
        "gate: {user: admin, password: 'p:a/s@s%字'}\nhall: {user: a, password: file}\n", "utf-8"
    )
    secrets_file.chmod(0o600)
    (tmp_path / "r.yaml").write_text(HEAD + CAMERA + "    credentials: gate\n", "utf-8")
    _, secrets = load_registry(tmp_path / "r.yaml", {"SIGHTLINE_CAMERA_HALL": "env:with:colon"})
    gate, hall = secrets.get("gate"), secrets.get("hall")
    assert gate is not None
    assert gate.password.get_secret_value() == "p:a/s@s%字"
    assert hall is not None
    assert (hall.user, hall.password.get_secret_value()) == ("env", "with:colon")
    assert "with:colon" not in repr(secrets)


def test_a_secrets_file_that_others_may_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "camera_secrets.yaml").write_text("gate: {user: a, password: b}\n", "utf-8")
    (tmp_path / "camera_secrets.yaml").chmod(0o644)
    (fault,) = faults_of(tmp_path, HEAD + CAMERA)
    assert fault.endswith("(run `chmod 600 camera_secrets.yaml` in its folder)")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xff\xfe", "cannot be read"),
        (b"gate: {user: a, password: 'b'", "this is not YAML"),
        (b"gate: {user: a, password: 0123}\n", "`password` must be text (put it in quotes)"),
        (b"gate: {user: yes, password: 'b'}\n", "`user` must be text (put it in quotes)"),
        (b"gate: [a, b]\n", "must hold `user` and `password`"),
        (b"- gate\n", "must hold names"),
    ],
)
def test_a_secrets_file_that_cannot_be_understood_is_a_fault(
    tmp_path: Path, data: bytes, expected: str
) -> None:
    """0123 is the number 83 in YAML, so the camera would get another password than the file
    shows.
    """
    secrets_file = tmp_path / "camera_secrets.yaml"
    secrets_file.write_bytes(data)
    secrets_file.chmod(0o600)
    (fault,) = faults_of(tmp_path, HEAD + CAMERA)
    assert fault.startswith(str(secrets_file))
    assert expected in fault


def test_a_secrets_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "camera_secrets.yaml").mkdir()
    (fault,) = faults_of(tmp_path, HEAD + CAMERA)
    assert "cannot be read" in fault


def test_a_secret_of_the_environment_without_a_colon_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, HEAD + CAMERA, {"SIGHTLINE_CAMERA_HALL": "secret-word"})
    assert (
        fault
        == "SIGHTLINE_CAMERA_HALL:1:1: this variable of the environment must hold user:password"
    )
