"""The embedded servers need passwords, listen on loopback, and keep their data after a kill."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import httpx
import pytest

from domain.clock import SystemClock
from domain.errors import SightlineError
from sightline.privileges.store_secrets import StoreSecrets
from sightline.processes.child import Child, ChildSpec
from sightline.processes.embedded_servers import RAFT_FILE, remove_master_states, seaweedfs, valkey
from sightline.processes.ports import free_ports
from tests.conftest import S3Config
from tests.waiting import PATIENCE_S

SECRETS = StoreSecrets("pw", "access", "secret", "signing")


def _ask(port: int, text: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        connection.settimeout(PATIENCE_S)
        connection.sendall(text.encode())
        return connection.recv(4096)


def test_valkey_refuses_without_the_password_and_keeps_data_over_a_kill(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    spec = valkey(tmp_path / 'with space, 摄像机 and "quotes"', port, SECRETS, tmp_path / "log")
    child = Child(spec, SystemClock())
    child.start()
    child.wait_ready()
    assert b"NOAUTH" in _ask(port, "PING\r\n")
    assert _ask(port, "AUTH pw\r\nSET a 1\r\n").endswith(b"+OK\r\n")
    assert child.pid is not None
    child._process.kill()  # type: ignore[union-attr]
    child.join()
    child.start()
    child.wait_ready()
    assert b"$1\r\n1\r\n" in _ask(port, "AUTH pw\r\nGET a\r\n")
    shutil.rmtree(tmp_path / 'with space, 摄像机 and "quotes"')
    child._process.kill()  # type: ignore[union-attr]
    child.join()
    child.start()
    child.wait_ready()
    assert b"$-1" in _ask(port, "AUTH pw\r\nGET a\r\n")
    child.stop()
    assert child.exit_code() == 0


def test_seaweedfs_refuses_unsigned_calls(s3_server: S3Config) -> None:
    assert (
        httpx.get(
            f"http://{s3_server.endpoint}/sightline/x", trust_env=False, timeout=PATIENCE_S
        ).status_code
        == 403
    )


def _garbage_percent(process: int | None) -> str:
    variables = Path(f"/proc/{process}/environ").read_text().split("\0")
    return next(line.partition("=")[2] for line in variables if line.startswith("GOGC="))


@pytest.mark.parametrize(("given", "expected"), [(None, "10"), ("60", "60")])
def test_seaweedfs_collects_garbage_early_unless_the_environment_says_when(
    given: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOGC", raising=False)
    if given is not None:
        monkeypatch.setenv("GOGC", given)
    (port,) = free_ports(1)
    child = Child(seaweedfs(tmp_path, port, SECRETS, tmp_path / "log"), SystemClock())
    child.start()
    try:
        child.wait_ready()
        assert _garbage_percent(child.pid) == expected
    finally:
        child.stop()


@pytest.mark.parametrize("is_older", [False, True])
def test_data_of_an_older_version_stay_in_their_store(is_older: bool, tmp_path: Path) -> None:
    """Each store has files of its own, and another one would find no object."""
    former, present = tmp_path / "filerldb2", tmp_path / "filerldb3"
    if is_older:
        former.mkdir()
    (port,) = free_ports(1)
    child = Child(seaweedfs(tmp_path, port, SECRETS, tmp_path / "log"), SystemClock())
    child.start()
    child.wait_ready()
    child.stop()
    assert any(former.rglob("CURRENT")) is is_older
    assert present.exists() is not is_older


def test_what_the_master_of_an_earlier_start_left_is_removed(tmp_path: Path) -> None:
    """A master has a folder for its port, which differs at each start."""
    for number in range(2):
        (port,) = free_ports(1)
        child = Child(seaweedfs(tmp_path, port, SECRETS, tmp_path / "log"), SystemClock())
        child.start()
        try:
            child.wait_ready()
            states = list(tmp_path.glob("m[0-9]*"))
        finally:
            child.stop()
        (state,) = states
        names = {str(path.relative_to(state)) for path in state.rglob("*") if path.is_file()}
        assert {"conf", "log"} <= names, number
        assert all(RAFT_FILE.fullmatch(name) for name in names), names


def test_a_folder_with_other_files_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stale, other, linked = tmp_path / "m20001", tmp_path / "m20002", tmp_path / "m20003"
    for folder in (stale, other, tmp_path / "m1x"):
        (folder / "snapshot").mkdir(parents=True)
        (folder / "snapshot" / "0_4.ss").touch()
    (other / "sightline_1.dat").touch()
    linked.symlink_to(tmp_path / "m1x")
    (tmp_path / "m20004").touch()
    remove_master_states(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"m20002", "m20003", "m20004", "m1x"}
    assert (other / "sightline_1.dat").exists()
    assert (other / "snapshot" / "0_4.ss").exists()
    assert "m20002 is not removed, because it has sightline_1.dat" in caplog.text


def test_a_child_that_ends_while_starting_shows_its_log(tmp_path: Path) -> None:
    child = Child(
        ChildSpec(
            "broken", ("/bin/sh", "-c", "echo why; exit 3"), tmp_path / "log", ready=lambda: False
        ),
        SystemClock(),
    )
    child.start()
    with pytest.raises(SightlineError, match=r"ended with 3 while starting:\nwhy"):
        child.wait_ready()
