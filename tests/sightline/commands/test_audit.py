"""`sightline audit` on real stores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain.paths.object_keys import AUDIT_PREFIX, AUDIT_WRITERS_PREFIX
from sightline.cli import main
from storage.clients.s3 import ObjectStore
from tests.buckets import remove_objects
from tests.sightline.processes.test_command_audit import objects

__all__ = ["objects"]


@pytest.fixture(autouse=True)
def _no_lines(objects: ObjectStore) -> None:
    remove_objects(objects, AUDIT_PREFIX, AUDIT_WRITERS_PREFIX)


def test_lines_are_listed_with_filters_and_the_list_is_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)]
    assert main(["user", "add", "wang", "--role", "auditor", *data]) == 0
    capsys.readouterr()
    assert main(["audit", "list", "--call", "command.user_add", "--json", *data]) == 0
    shown = capsys.readouterr()
    outcome, intent = [json.loads(line) for line in shown.out.splitlines()]
    assert (intent["phase"], outcome["phase"], outcome["status"]) == ("intent", "outcome", 0)
    assert "complete until" in shown.err
    assert main(["audit", "list", "--call", "command.audit_list", "--outcome", "done", *data]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "call=command.user_add limit=100" in line
    assert main(["audit", "list", "--to", "yesterday", *data]) == 1
    assert "--to: 'yesterday' is no time of RFC 3339" in capsys.readouterr().err


def test_damage_is_reported(
    objects: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)]
    assert main(["user", "add", "zhao", "--role", "auditor", *data]) == 0
    assert main(["audit", "verify", *data]) == 0
    (key,) = [stat.key for stat in objects.list(AUDIT_PREFIX)]
    objects.put(key, b"damaged", "application/gzip")
    capsys.readouterr()
    assert main(["audit", "verify", *data]) == 1
    assert key in capsys.readouterr().out
    assert main(["audit", "verify", "--json", *data]) == 1
    assert json.loads(capsys.readouterr().out)["faults"][0]["where"] == key
    assert main(["audit", "list", *data]) == 1
    assert f"damaged: {key}" in capsys.readouterr().err
