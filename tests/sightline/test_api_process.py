"""The API process adds the alarm of its own audit log."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from domain.access_policy.model import PolicyOrigin
from domain.alarms import Alarm, AlarmName
from domain.clock import ManualClock, SystemClock
from domain.paths.data_layout import Layout
from domain.people import Right
from domain.settings import Settings
from sightline.api_process import OwnAlarm, PeopleAlarm, make_context
from sightline.cli import _parser, main
from sightline.commands.up import name_policy
from sightline.processes.environment import API
from storage.clients.redis import connect
from storage.site.audit import AuditLog
from storage.site.people import People
from tests.kept import START_NS


def test_the_alarm_of_the_audit_log_stands_once_and_keeps_its_beginning(tmp_path: Path) -> None:
    clock = ManualClock()
    log = AuditLog(tmp_path, clock, limit_gb=1e-6)
    audit = OwnAlarm(AlarmName.AUDIT_FULL, log.alarm, "node-1", clock)
    other = Alarm(name=AlarmName.CAMERAS_DOWN, node="node-2", since=1, sentence="two cameras")
    assert audit.added_to((other,)) == (other,)
    (tmp_path / "20251009.jsonl").write_bytes(b"x" * 900)
    clock.advance(60)
    known, own = audit.added_to((other,))
    assert (known, own.name, own.node) == (other, AlarmName.AUDIT_FULL, "node-1")
    assert "SIGHTLINE_AUDIT_LIMIT_GB" in own.sentence
    clock.advance(60)
    assert audit.added_to(()) == (own,)
    assert audit.added_to((own,)) == (own,)
    (tmp_path / "20251009.jsonl").unlink()
    clock.advance(60)
    assert audit.added_to(()) == ()


def test_forged_people_raise_an_alarm_that_names_them(valkey_server: str) -> None:
    redis, clock = connect(valkey_server), ManualClock(START_NS)
    redis.do("FLUSHALL")
    alarm = PeopleAlarm(People(redis, None, b"key", clock), "node-1", clock)  # type: ignore[arg-type]
    assert alarm.added_to(()) == ()
    redis.do("HSET", "{people}:records", "li", "{}")
    (raised,) = alarm.added_to(())
    assert (raised.name, raised.since) == (AlarmName.PEOPLE_REFUSED, START_NS)
    assert "li" in raised.sentence
    clock.advance(60)
    assert alarm.added_to(())[0].since == START_NS
    redis.do("DEL", "{people}:records")
    assert alarm.added_to(()) == ()
    redis.close()


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
