from __future__ import annotations

import json
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from domain.alarms import AlarmName
from domain.clock import ManualClock
from domain.errors import IndexUnavailable
from domain.messages.message import Message
from storage.clients.redis import Redis, connect
from storage.site.alarms import FRESH_FOR_S, Alarms, alarms_in_file, published_alarms
from tests.kept import START_NS


def test_an_alarm_is_published_until_it_is_cleared(
    redis: Redis, tmp_path: Path, clock: ManualClock
) -> None:
    one, two = Alarms("node-1", tmp_path / "1", clock), Alarms("node-2", tmp_path / "2", clock)
    one.set(AlarmName.DISK_FULL, Message("give it more space"))
    clock.advance(5)
    one.set(AlarmName.DISK_FULL, Message("give it much more space"))
    two.set(AlarmName.CLOCK_STEPPED, Message("mend it"))
    for alarms in (one, two):
        alarms.publish(redis)
    published = [
        (alarm.node, alarm.name, alarm.since - START_NS, alarm.sentence)
        for alarm in published_alarms(redis, clock)
    ]
    assert published == [
        ("node-1", "disk_full", 0, "give it much more space"),
        ("node-2", "clock_stepped", 5_000_000_000, "mend it"),
    ]
    assert [alarm.name for alarm in alarms_in_file(tmp_path / "1", clock)] == ["disk_full"]
    assert REGISTRY.get_sample_value("sightline_alarm", {"alarm": "disk_full"}) == 1
    one.set(AlarmName.DISK_FULL, None)
    one.publish(redis)
    assert [alarm.node for alarm in published_alarms(redis, clock)] == ["node-2"]
    assert REGISTRY.get_sample_value("sightline_alarm", {"alarm": "disk_full"}) == 0


def test_an_alarm_keeps_its_since_when_over_a_restart_and_goes_with_its_node(
    redis: Redis, tmp_path: Path, clock: ManualClock
) -> None:
    first = Alarms("node-1", tmp_path / "1", clock)
    first.set(AlarmName.CAMERAS_DOWN, Message("3 of 5"))
    first.publish(redis)
    clock.advance(60)
    again = Alarms("node-1", tmp_path / "1", clock)
    again.set(AlarmName.CAMERAS_DOWN, Message("2 of 5"))
    assert [alarm.since for alarm in again.active()] == [START_NS]
    again.publish(redis)
    clock.advance(FRESH_FOR_S + 1)
    assert published_alarms(redis, clock) == ()
    assert alarms_in_file(tmp_path / "1", clock) == ()


def test_the_parts_of_an_alarm_are_stored_beside_its_sentence(
    redis: Redis, tmp_path: Path, clock: ManualClock
) -> None:
    alarms = Alarms("node-1", tmp_path / "1", clock)
    late = Message("uploads have waited for {waited_h} h", waited_h=5)
    alarms.set(AlarmName.UPLOADS_BEHIND, late)
    alarms.publish(redis)
    (published,) = published_alarms(redis, clock)
    assert (published.sentence, published.message) == ("uploads have waited for 5 h", late)
    assert published.message is not None
    assert published.message.form == late.form


def test_an_alarm_of_an_older_node_has_its_sentence_alone(redis: Redis, clock: ManualClock) -> None:
    older = {"name": "disk_full", "node": "node-1", "since": "2026-11-24T13:55:04.000Z"}
    record = {"told_at": clock.wall_ns(), "alarms": [older | {"sentence": "more space"}]}
    redis.do("HSET", "{alarms}:nodes", "node-1", json.dumps(record))
    (alarm,) = published_alarms(redis, clock)
    assert (alarm.sentence, alarm.message) == ("more space", None)
    chinese = alarm.translated(lambda message: Message("请扩大空间" if message else ""))
    assert (chinese.sentence, chinese.message) == ("请扩大空间", Message("请扩大空间"))


def test_without_redis_the_file_has_them_and_one_that_is_torn_has_none(
    tmp_path: Path, clock: ManualClock
) -> None:
    alarms = Alarms("node-1", tmp_path / "1", clock)
    alarms.set(AlarmName.INDEX_UNREACHABLE, Message("for minutes"))
    with pytest.raises(IndexUnavailable):
        alarms.publish(connect("redis://127.0.0.1:1/0"))
    assert len(alarms_in_file(tmp_path / "1", clock)) == 1
    (tmp_path / "1").write_text('{"told_at": 1, "ala')
    assert alarms_in_file(tmp_path / "1", clock) == ()
    assert Alarms("node-1", tmp_path / "1", clock).active() == ()
