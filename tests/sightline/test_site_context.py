"""What the API process makes of its settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from domain.access_policy.model import PolicyOrigin
from domain.alarms import AlarmName
from domain.clock import ManualClock, SystemClock
from domain.paths.data_layout import Layout
from domain.people import Right
from domain.settings import Settings
from sightline.cli import _parser, main
from sightline.commands.up import name_policy
from sightline.processes.environment import API
from sightline.site_context import make_context


def test_the_policy_file_is_in_force_and_its_faults_raise_an_alarm(
    empty_site: Path, tmp_path: Path
) -> None:
    assert main(["keys", "init", "--data", str(empty_site)]) == 0
    file, clock = tmp_path / "policy.yaml", ManualClock(SystemClock().wall_ns())
    file.write_text("version: 1\ngroups: {clips: {calls: [event.clip], needs: [approval]}}\n")
    context = make_context(Layout(empty_site), Settings(policy=file), clock)
    assert context.policy().origin is PolicyOrigin.FILE
    assert context.policy().policy.needs((Right.EVENTS_READ,), "event.clip").approval
    assert context.alarms() == ()
    file.write_text("version: 1\ngroup: {}\n")
    assert context.policy().origin is PolicyOrigin.LAST_VALID
    (alarm,) = context.alarms()
    assert alarm.name is AlarmName.POLICY_INVALID
    assert "did you mean `groups`?" in alarm.sentence
    context.emergencies.add("li", "operator", "::1", "shooting", "", "event.clip", {})
    clock.advance(10)
    assert AlarmName.EMERGENCY_ACCESS in [one.name for one in context.alarms()]


def test_the_command_line_names_the_policy_to_the_processes_of_the_api(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIGHTLINE_POLICY", "another.yaml")
    monkeypatch.chdir(tmp_path)
    args = _parser().parse_args(["api", "--data", "data", "--policy", "policy.yaml"])
    name_policy(args)
    named = API.select(os.environ)["SIGHTLINE_POLICY"]
    assert Path(named) == tmp_path / "policy.yaml"
    name_policy(_parser().parse_args(["up", "--data", "data"]))
    assert os.environ["SIGHTLINE_POLICY"] == named
