"""A child process gets the variables that it needs, and no secret of another one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from domain.clock import SystemClock
from domain.settings import Settings
from sightline.processes.child import Child, ChildSpec
from sightline.processes.environment import API, LIVE, MEDIA, SYSTEM, WORKER, Allowed

SECRETS = {
    "SIGHTLINE_REDIS_URL": "redis://:pw@10.0.0.1",
    "SIGHTLINE_S3_ACCESS_KEY": "access",
    "SIGHTLINE_S3_SECRET_KEY": "secret",
    "SIGHTLINE_PEOPLE_KEY": "people",
    "SIGHTLINE_WEBRTC_TURN_SECRET": "turn",
    "SIGHTLINE_CAMERA_GATE": "admin:pw",
    "SIGHTLINE_SECRETS_FILE": "/etc/sightline/camera_secrets.yaml",
    "AWS_SECRET_ACCESS_KEY": "unrelated",
    "WEED_JWT_SIGNING_KEY": "from a stranger",
}
STORES = {"SIGHTLINE_REDIS_URL", "SIGHTLINE_S3_ACCESS_KEY", "SIGHTLINE_S3_SECRET_KEY"}
OF_API = STORES | {"SIGHTLINE_PEOPLE_KEY", "SIGHTLINE_WEBRTC_TURN_SECRET"}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (SYSTEM, set()),
        (LIVE, set()),
        (MEDIA, set()),
        (WORKER, STORES),
        (API, OF_API),
    ],
)
def test_a_kind_of_child_gets_its_own_secrets_alone(kind: Allowed, expected: set[str]) -> None:
    assert set(kind.select(SECRETS)) == expected


def test_every_setting_that_is_no_secret_reaches_the_processes_that_read_settings() -> None:
    names = {f"SIGHTLINE_{name.upper()}" for name in Settings.model_fields} - set(SECRETS)
    environ = dict.fromkeys(names, "x")
    for kind in (LIVE, MEDIA, WORKER, API):
        assert kind.select(environ) == environ
    assert SYSTEM.select(environ) == {}


def test_what_every_program_may_need_is_passed_on() -> None:
    environ = dict.fromkeys(
        ("PATH", "HOME", "TZ", "LC_ALL", "TMPDIR", "PYTHONPATH", "OPENBLAS_NUM_THREADS"), "x"
    )
    assert SYSTEM.select(environ) == environ


def test_a_child_sees_what_is_allowed_and_what_its_spec_adds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    spec = ChildSpec("env", ("/usr/bin/env",), tmp_path / "log", allowed=API, env={"ADDED": "1"})
    child = Child(spec, SystemClock())
    child.start()
    child.join()
    seen = dict(line.split("=", 1) for line in child.log_tail().splitlines() if "=" in line)
    assert seen.keys() & SECRETS.keys() == OF_API
    assert seen["ADDED"] == "1"
    assert "PATH" in seen
    assert subprocess.run(["env"], capture_output=True, check=True).stdout.count(b"SIGHTLINE_") > 1
