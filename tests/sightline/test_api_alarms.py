"""The API adds alarms of its own to those of the nodes."""

from __future__ import annotations

from pathlib import Path

from domain.alarms import Alarm, AlarmName
from domain.clock import ManualClock
from sightline.api_alarms import OwnAlarm, PeopleAlarm
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
