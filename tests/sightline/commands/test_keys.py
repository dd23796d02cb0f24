"""`sightline keys`: what each action prints and records, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.clock import S_PER_DAY, ManualClock
from sightline.arguments.keys import KEY_PURPOSES
from sightline.cli import _parser, main
from sightline.keys.expiry import expiry_warnings
from sightline.keys.register import Purpose
from sightline.keys.site_keys import TLS_LIFETIME, SiteKeys


def _lines(data: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for file in sorted((data / "audit").glob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    ]


def _listed(data: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["keys", "list", "--data", str(data), "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_init_makes_all_keys_of_a_new_data_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    assert main(["keys", "init", "--data", str(data), "--host", "sightline.city"]) == 0
    listed = _listed(data, capsys)
    assert [one["purpose"] for one in listed] == list(KEY_PURPOSES)
    assert all(len(one["sha256"]) == 64 and one["state"] == "in use" for one in listed)
    assert listed[3]["subject"] == "node-1"
    assert main(["keys", "init", "--data", str(data)]) == 0
    assert "nothing was changed" in capsys.readouterr().out


def test_rotate_lists_the_old_certificate_as_retired_or_revoked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "init", "--data", str(tmp_path)]) == 0
    assert main(["keys", "rotate", "evidence", "--data", str(tmp_path)]) == 0
    assert main(["keys", "rotate", "api", "--revoke", "--data", str(tmp_path)]) == 0
    states = {
        purpose: [one["state"] for one in _listed(tmp_path, capsys) if one["purpose"] == purpose]
        for purpose in KEY_PURPOSES
    }
    assert states["evidence"] == ["retired", "in use"]
    assert states["api"] == ["revoked", "in use"]
    assert states["root"] == ["in use"]


def test_a_revoked_root_leaves_no_key_that_it_has_signed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "init", "--data", str(tmp_path)]) == 0
    before = {one["sha256"] for one in _listed(tmp_path, capsys)}
    assert main(["keys", "rotate", "root", "--revoke", "--data", str(tmp_path)]) == 0
    in_use = {one["sha256"] for one in _listed(tmp_path, capsys) if one["state"] == "in use"}
    assert len(in_use) == len(KEY_PURPOSES)
    assert not in_use & before


def test_a_node_on_another_machine_takes_over_its_bundle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b, out = tmp_path / "a", tmp_path / "b", tmp_path / "out"
    assert main(["keys", "init", "--data", str(a)]) == 0
    export = ["keys", "export", "--data", str(a), "--out", str(out)]
    assert main([*export, "--node", "node-2"]) == 0
    assert main(["keys", "init", "--from", str(out / "node-node-2.json"), "--data", str(b)]) == 0
    states = {one["subject"]: one["state"] for one in _listed(b, capsys) if one["subject"]}
    assert states == {"node-1": "in use elsewhere", "node-2": "in use"}
    assert main(export) == 0
    written = capsys.readouterr().out.splitlines()
    assert sum(line.endswith(".pem") for line in written) == 6


def test_the_former_key_of_a_stolen_node_is_revoked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "init", "--data", str(tmp_path)]) == 0
    export = ["keys", "export", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main([*export, "--node", "node-2"]) == 0
    assert main([*export, "--revoke"]) == 1
    assert "name it with --node" in capsys.readouterr().err
    assert main([*export, "--node", "node-2", "--revoke"]) == 0
    found = [one["state"] for one in _listed(tmp_path, capsys) if one["subject"] == "node-2"]
    assert found == ["revoked", "in use elsewhere"]
    assert _lines(tmp_path)[-2]["terms"]["revoke"] == "True"


def test_every_change_is_in_the_audit_log_first(tmp_path: Path) -> None:
    commands = [
        ["init"],
        ["rotate", "evidence"],
        ["export", "--out", str(tmp_path / "out"), "--node", "node-2"],
    ]
    for words in commands:
        assert main(["keys", *words, "--data", str(tmp_path)]) == 0
    assert main(["keys", "list", "--data", str(tmp_path)]) == 0
    lines = _lines(tmp_path)
    assert [(line["route"], line["phase"]) for line in lines] == [
        (f"command.keys_{words[0]}", phase) for words in commands for phase in ("intent", "outcome")
    ]
    assert lines[2]["terms"] == {"purpose": "evidence"}
    assert lines[4]["terms"] == {"out": str(tmp_path / "out"), "node": "node-2"}
    assert "PRIVATE" not in json.dumps(lines)


@pytest.mark.parametrize(
    "words", [["init"], ["rotate", "evidence"], ["export", "--out", "OUT", "--node", "node-2"]]
)
def test_without_its_intent_nothing_is_changed(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    if words != ["init"]:
        assert main(["keys", "init", "--data", str(data)]) == 0
        (data / "audit").rename(tmp_path / "audit")
    data.mkdir(exist_ok=True)
    (data / "audit").write_text("in the way")
    before = {file: file.read_bytes() for file in data.rglob("*") if file.is_file()}
    words = [str(out) if word == "OUT" else word for word in words]
    assert main(["keys", *words, "--data", str(data)]) == 1
    assert "audit log" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in data.rglob("*") if file.is_file()} == before
    assert not out.exists()


def test_export_without_keys_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "export", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "sightline keys init" in capsys.readouterr().err


def test_a_warning_precedes_each_expiry(tmp_path: Path) -> None:
    clock = ManualClock()
    keys = SiteKeys(tmp_path / "keys", clock)
    keys.ensure("node-1")
    keys.issue_for_node("node-2")
    clock.advance((TLS_LIFETIME.days - 91) * S_PER_DAY)
    assert expiry_warnings(keys.register(), keys.now) == []
    clock.advance(2 * S_PER_DAY)
    assert expiry_warnings(keys.register(), keys.now) == [
        "the certificate api expires in 89 days: run  sightline keys rotate api",
        "the certificate node node-1 expires in 89 days: run  sightline keys rotate node",
        "the certificate node node-2 expires in 89 days: run  sightline keys export --node node-2",
    ]
    keys.rotate(Purpose.API, "node-1")
    assert len(expiry_warnings(keys.register(), keys.now)) == 2
    clock.advance(90 * S_PER_DAY)
    assert "expired on" in expiry_warnings(keys.register(), keys.now)[0]


def test_the_purposes_of_the_command_line_are_all() -> None:
    assert tuple(Purpose) == KEY_PURPOSES
    assert _parser().parse_args(["keys", "rotate", "node", "--data", "d"]).purpose == "node"
