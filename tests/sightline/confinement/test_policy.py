"""What each kind of process may read and write in a data folder, tried in a confined process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.confinement.landlock import Access
from sightline.confinement.launch import confine, prepare
from sightline.confinement.policy import ProcessArguments, ProcessKind, access_of
from tests.sightline.confinement.confined import requires_confinement

pytestmark = requires_confinement
TRIES = """\
import json, sys
from pathlib import Path
from tests.sightline.confinement.test_policy import confine_as, tried
kind, root, *files = sys.argv[1:]
if kind:
    confine_as(kind, Path(root))
print("confined", flush=True)
sys.stdin.readline()
print(json.dumps([tried(Path(file)) for file in files]))
"""
FILES = (
    "recordings/gate/20260101/a.mp4", "gaps/gate/alive", "spool/gate/1/event.json",
    "journal/1.jsonl", "triggers/gate/1.jsonl", "audit/20260101.jsonl",
    "archive/node/x", "archive/api/x", "state/holds.json", "run/instance.json",
    "run/statuses/0.json", "run/metrics/x.db", "rosters/0.json", "registry/registry.json",
    "secrets.json", "people-key.json", "camera_secrets.yaml", "valkey/appendonly.aof",
    "seaweedfs/s3.json", "logs/api.log", "demo/token", "keys/root/root.pem", "keys/api/tls.pem",
    "keys/node/tls.pem", "keys/evidence/signing.pem", "keys/public/register.json",
)  # fmt: skip
ALL = set(FILES)
PRIVATE = {
    "secrets.json", "camera_secrets.yaml", "valkey/appendonly.aof", "seaweedfs/s3.json",
    "logs/api.log", "demo/token", "keys/root/root.pem",
}  # fmt: skip
"""What no confined process may read."""
MADE_BEFORE = {"keys", "people-key.json", "secrets.json"}
"""What the main process makes before it starts the others."""


@dataclass(frozen=True)
class Tried:
    reads: set[str]
    writes: set[str]


def confine_as(kind: str, root: Path) -> None:
    arguments = ProcessArguments("api" if kind == ProcessKind.API else "other", Layout(root))
    access = access_of(ProcessKind(kind), arguments, Settings())
    prepare(Layout(root), access)
    report = confine("test", access, Settings())
    assert not report.sentences(), report


def tried(file: Path) -> tuple[bool, bool]:
    """Return whether a file can be read, and whether it can be written."""

    def can(flags: int) -> bool:
        try:
            os.close(os.open(file, flags))
        except PermissionError:
            return False
        return True

    return can(os.O_RDONLY), can(os.O_WRONLY)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@cache
def _tried(kind: str) -> Tried:
    """Try all files; most of their folders are empty or absent when the process is confined."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / file for file in FILES]
        for path in paths:
            if path.relative_to(folder).parts[0] in MADE_BEFORE:
                _make(path)
        words = (sys.executable, "-c", TRIES, kind, folder, *map(str, paths))
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "confined\n"
        for path in paths:
            _make(path)
        output, _ = process.communicate("go\n")
    found = dict(zip(FILES, json.loads(output), strict=True))
    return Tried(
        {file for file, (reads, _) in found.items() if reads},
        {file for file, (_, writes) in found.items() if writes},
    )


def test_without_confinement_everything_can_be_read_and_written() -> None:
    assert _tried("") == Tried(ALL, ALL)


@pytest.mark.parametrize("kind", ProcessKind)
def test_no_process_reads_what_is_private_to_others(kind: ProcessKind) -> None:
    assert _tried(kind).reads.isdisjoint(PRIVATE)


def test_a_worker_writes_recordings_events_and_states_and_reads_no_key() -> None:
    worker = _tried(ProcessKind.WORKER)
    assert worker.writes == {
        "recordings/gate/20260101/a.mp4", "gaps/gate/alive", "spool/gate/1/event.json",
        "journal/1.jsonl", "triggers/gate/1.jsonl", "audit/20260101.jsonl", "archive/node/x",
        "state/holds.json", "run/statuses/0.json", "run/metrics/x.db",
    }  # fmt: skip
    assert worker.reads == worker.writes | {
        "run/instance.json", "rosters/0.json", "registry/registry.json",
    }  # fmt: skip


def test_the_analysis_of_recordings_writes_events_and_what_was_analysed() -> None:
    reanalysis = _tried(ProcessKind.REANALYSIS)
    assert reanalysis.writes == {
        "gaps/gate/alive", "spool/gate/1/event.json", "run/metrics/x.db",
    }  # fmt: skip
    assert "recordings/gate/20260101/a.mp4" in reanalysis.reads


def test_a_live_process_writes_triggers_alone() -> None:
    live = _tried(ProcessKind.LIVE)
    assert live.writes == {"triggers/gate/1.jsonl", "run/metrics/x.db"}
    assert live.reads == live.writes | {
        "recordings/gate/20260101/a.mp4", "gaps/gate/alive", "spool/gate/1/event.json",
        "rosters/0.json", "run/instance.json", "run/statuses/0.json", "keys/node/tls.pem",
        "keys/public/register.json",
    }  # fmt: skip


def test_an_api_writes_the_audit_log_and_reads_its_keys() -> None:
    api = _tried(ProcessKind.API)
    assert api.writes == {"audit/20260101.jsonl", "archive/api/x", "run/metrics/x.db"}
    assert api.reads == api.writes | {
        "state/holds.json", "run/instance.json", "run/statuses/0.json", "registry/registry.json",
        "people-key.json", "keys/api/tls.pem", "keys/evidence/signing.pem",
        "keys/public/register.json", "recordings/gate/20260101/a.mp4",
    }  # fmt: skip


def test_the_media_process_reads_and_writes_nothing_of_the_site() -> None:
    assert _tried(ProcessKind.MEDIA) == Tried({"run/metrics/x.db"}, {"run/metrics/x.db"})


def test_settings_add_files_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_CONFINEMENT_READS", f"{tmp_path}/a:{tmp_path}/b")
    arguments = ProcessArguments("worker-0", Layout(tmp_path), files=(tmp_path / "ca.pem",))
    access = access_of(ProcessKind.WORKER, arguments, Settings())
    assert {tmp_path / "a", tmp_path / "b", tmp_path / "ca.pem"} <= set(access.reads)
    assert access.listens == ()


def test_only_the_api_reads_the_secret_of_the_openid_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("secret", "ca.pem"):
        (tmp_path / name).touch()
    monkeypatch.setenv("SIGHTLINE_OPENID_CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("SIGHTLINE_OPENID_CA", str(tmp_path / "ca.pem"))
    arguments = ProcessArguments("any", Layout(tmp_path / "data"))
    for kind in ProcessKind:
        reads = access_of(kind, arguments, Settings()).reads
        assert (tmp_path / "secret" in reads) is (kind is ProcessKind.API), kind
        assert tmp_path / "ca.pem" in reads


def test_a_process_that_is_not_confined_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_CONFINEMENT", "0")
    report = confine("api", Access(), Settings())
    assert set(report.sentences()) == {"landlock", "seccomp", "capabilities"}
    assert all("SIGHTLINE_CONFINEMENT" in why for why in report.sentences().values())
