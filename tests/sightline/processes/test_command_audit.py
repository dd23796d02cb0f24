"""A command that makes changes has its intent in the audit log first, or changes nothing."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from domain.errors import AuditUnavailable, BadInput
from domain.paths.object_keys import AUDIT_PREFIX, PEOPLE_PREFIX
from sightline.cli import _parser, main
from sightline.processes.command_audit import local_user, run_recorded
from storage.audit.stored_lines import LineFault, StoredAudit, parsed
from storage.clients.s3 import ObjectStore
from storage.site.audit import AuditLine
from tests.buckets import remove_objects

if TYPE_CHECKING:
    from tests.conftest import S3Config


def lines(data: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for file in sorted((data / "audit").glob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    ]


@pytest.fixture
def objects(
    valkey_server: str, s3_server: S3Config, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ObjectStore]:
    """The stores of a site, which the environment names."""
    monkeypatch.setenv("SIGHTLINE_REDIS_URL", valkey_server)
    monkeypatch.setenv("SIGHTLINE_S3_ENDPOINT", s3_server.endpoint)
    monkeypatch.setenv("SIGHTLINE_S3_ACCESS_KEY", s3_server.access_key)
    monkeypatch.setenv("SIGHTLINE_S3_SECRET_KEY", s3_server.secret_key)
    monkeypatch.setenv("SIGHTLINE_S3_BUCKET", "command-audit-tests")
    store = ObjectStore(
        s3_server.endpoint, s3_server.access_key, s3_server.secret_key, "command-audit-tests"
    )
    store.ensure_bucket()
    remove_objects(store, PEOPLE_PREFIX)
    yield store
    store.close()


def test_a_person_is_added_after_the_intent_and_the_token_is_in_no_line(
    objects: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["user", "add", "wang", "--role", "auditor", "--data", str(tmp_path)]) == 0
    token = capsys.readouterr().out.splitlines()[-1]
    intent, outcome = lines(tmp_path)
    assert (intent["phase"], intent["status"], outcome["phase"], outcome["status"]) == (
        "intent",
        None,
        "outcome",
        0,
    )
    assert intent["person"] == outcome["person"] == f"local:{local_user()}"
    assert (intent["route"], intent["terms"]) == (
        "command.user_add",
        {"name": "wang", "role": "auditor"},
    )
    assert intent["request"] == outcome["request"] != ""
    assert token not in json.dumps([intent, outcome])


def test_a_command_without_an_instance_copies_its_lines_to_the_object_store(
    objects: ObjectStore, tmp_path: Path
) -> None:
    assert main(["user", "add", "wang", "--role", "auditor", "--data", str(tmp_path)]) == 0
    written = [line["id"] for line in lines(tmp_path)]
    state = json.loads((tmp_path / "audit" / "shipping.json").read_text())
    stored = StoredAudit(objects)
    keys = [stat.key for stat in objects.list(f"{AUDIT_PREFIX}{state['writer']}/")]
    copied = [line for key in keys for line in parsed(stored.read(key), key)]
    assert not [line for line in copied if isinstance(line, LineFault)]
    assert sorted(line.id for line in copied if isinstance(line, AuditLine)) == sorted(written)
    assert len(written) == 2


def test_lines_that_a_command_cannot_copy_wait_and_it_says_so(
    objects: ObjectStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIGHTLINE_S3_ENDPOINT", "127.0.0.1:1")
    args = argparse.Namespace(data=tmp_path, audit="command.x", audit_terms=())
    assert run_recorded(lambda _: 0, args) == 0
    assert "exist only on this machine" in capsys.readouterr().err
    assert len(lines(tmp_path)) == 2


def test_without_the_intent_no_person_is_added(
    objects: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "audit").write_text("in the way")
    assert main(["user", "add", "wang", "--role", "auditor", "--data", str(tmp_path)]) == 1
    assert "audit log" in capsys.readouterr().err
    assert list(objects.list(PEOPLE_PREFIX)) == []


@pytest.mark.parametrize(
    ("words", "term"),
    [
        (["user", "add", "x", "--role", "admin"], "command.user_add"),
        (["user", "set", "x", "--role", "auditor"], "command.user_set"),
        (["user", "token", "x", "--name", "phone"], "command.user_token"),
        (["user", "revoke", "x"], "command.user_revoke"),
        (["user", "remove", "x"], "command.user_remove"),
        (["user", "restore", "x"], "command.user_restore"),
        (["user", "sign"], "command.user_sign"),
        (["user", "list"], ""),
        (["cameras", "apply", "r.yaml"], "command.cameras_apply"),
        (["cameras", "diff", "r.yaml"], ""),
        (["index", "rebuild"], "command.index_rebuild"),
        (["index", "archive"], "command.index_archive"),
        (["retention", "run"], "command.retention_run"),
        (["storage", "check"], ""),
    ],
)
def test_commands_that_change_something_are_recorded(words: list[str], term: str) -> None:
    args = _parser().parse_args([*words, "--data", "d"])
    assert args.audit == term
    assert not term or all(hasattr(args, name) for name in args.audit_terms)


def test_a_command_that_fails_has_its_outcome(tmp_path: Path) -> None:
    def failing(args: argparse.Namespace) -> int:
        assert [line["phase"] for line in lines(tmp_path)] == ["intent"]
        raise BadInput("the name is taken")

    args = argparse.Namespace(
        data=tmp_path, audit="command.user_add", audit_terms=("name",), name="x"
    )
    with pytest.raises(BadInput):
        run_recorded(failing, args)
    assert [line["status"] for line in lines(tmp_path)] == [None, 1]


def test_a_command_whose_outcome_cannot_be_written_says_so(tmp_path: Path) -> None:
    def destroying(args: argparse.Namespace) -> int:
        for file in (tmp_path / "audit").iterdir():
            file.unlink()
        (tmp_path / "audit").rmdir()
        (tmp_path / "audit").write_text("in the way")
        return 0

    with pytest.raises(AuditUnavailable):
        run_recorded(
            destroying, argparse.Namespace(data=tmp_path, audit="command.x", audit_terms=())
        )
