"""`sightline policy check`: the faults of a policy file, or what it governs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sightline.cli import main

VALID = "version: 1\ngroups: {clips: {calls: [event.clip], needs: [case, reason]}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


def test_a_valid_file_lists_the_calls_that_it_governs(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(VALID)
    assert main(["policy", "check", str(file)]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first == "event.clip\tcase, reason"
    assert "1 calls are governed; SHA-256" in last
    assert main(["policy", "check", str(file), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["calls"] == {"event.clip": ["case", "reason"]}
    assert len(shown["sha256"]) == 64


def test_faults_have_their_place_and_the_likely_word(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(VALID.replace("event.clip", "event.clap"))
    assert main(["policy", "check", str(file)]) == 1
    error = capsys.readouterr().err
    assert f"{file}:2:26: `event.clap`" in error
    assert "did you mean `event.clip`?" in error
    assert main(["policy", "check", str(file), "--json"]) == 1
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert (fault["line"], fault["column"]) == (2, 26)


def test_faults_are_in_the_language_of_the_terminal(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(VALID.replace("event.clip", "event.clap"))
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main(["policy", "check", str(file)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{file}:2:26：`event.clap` 不是策略可约束的审计名称（是否指 `event.clip`？）",
        "共 1 处错误",
    ]
    assert main(["policy", "check", str(file), "--json"]) == 1
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert fault["hint"] == "did you mean `event.clip`?", "JSON is for programs"


def test_no_policy_governs_what_the_policy_is_made_of(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise the approval of an approval would need an approval."""
    for call in ("approval.decide", "case.open", "emergency.review"):
        file.write_text(VALID.replace("event.clip", call))
        assert main(["policy", "check", str(file)]) == 1
        assert "no audit term that a policy can govern" in capsys.readouterr().err
