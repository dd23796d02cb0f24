"""Fencing numbers only rise, whatever is lost."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from domain.layout import Layout
from storage.leases import Lease, Leases
from storage.redis_door import Redis, connect


def test_each_taking_is_higher_and_is_seen(redis: Redis, tmp_path: Path) -> None:
    east, west = Leases(redis, Layout(tmp_path / "east")), Leases(redis, Layout(tmp_path / "west"))
    fences = [east.take("gate", "east", "http://e"), west.take("gate", "west", "http://w"), east.take("gate", "east", "http://e")]
    assert fences == sorted(set(fences))
    assert west.holder("gate") == Lease("east", "http://e", fences[-1])
    assert west.holder("bridge") is None


def test_it_rises_over_an_emptied_redis_and_over_lost_files(redis: Redis, layout: Layout, tmp_path: Path) -> None:
    first = Leases(redis, layout).take("gate", "east", "http://e")
    (layout.fences / "gate").write_text(str(first + 1000))
    redis.do("FLUSHALL")
    second = Leases(redis, layout).take("gate", "east", "http://e")
    assert second == first + 1001
    assert Leases(redis, Layout(tmp_path / "new")).take("gate", "west", "http://w") > second


def test_without_redis_a_node_goes_on_with_what_it_had(redis: Redis, layout: Layout, caplog: pytest.LogCaptureFixture) -> None:
    fence = Leases(redis, layout).take("gate", "east", "http://e")
    dead = connect("redis://127.0.0.1:1/0")
    with caplog.at_level(logging.WARNING):
        assert Leases(dead, layout).take("gate", "east", "http://e") == fence
        assert Leases(dead, layout).take("bridge", "east", "http://e") == 0
    assert "gate goes on under its last fencing number" in caplog.text
    dead.close()


def test_a_damaged_file_is_no_fence(redis: Redis, layout: Layout) -> None:
    layout.fences.mkdir()
    (layout.fences / "gate").write_text("rubbish")
    assert Leases(redis, layout).take("gate", "east", "http://e") > 0
