"""A site job runs on one node in each interval; after a failure the next call retries it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from domain.clock import ManualClock
from domain.errors import StoreError
from sightline.jobs.site_job import SiteJob
from storage.clients.redis import Redis, connect

EVERY_S = 3600


class Site:
    """Nodes that share one job. `outcomes` has the results of its next calls."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.stop = threading.Event()
        self.calls: list[str] = []
        self.outcomes: list[bool | Exception] = []

    def job(self, node: str, name: str = "tidy") -> SiteJob:
        def work(stop: threading.Event) -> bool:
            assert stop is self.stop
            self.calls.append(node)
            outcome = self.outcomes.pop(0) if self.outcomes else True
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return SiteJob(name, EVERY_S, work, self.redis, node)

    def run_once(self, *nodes: str) -> list[str]:
        for node in nodes:
            self.job(node).run_once(self.stop)
        return self.calls


@pytest.fixture
def redis(valkey_server: str) -> Iterator[Redis]:
    client = connect(valkey_server)
    client.do("FLUSHALL")
    yield client
    client.close()


@pytest.fixture
def site(redis: Redis) -> Site:
    return Site(redis)


def test_one_node_does_the_work_in_an_interval(site: Site) -> None:
    assert site.run_once("one", "two", "one") == ["one"]
    left_s = site.redis.do("TTL", "{tidy}:turn")
    assert isinstance(left_s, int)
    assert 0 < left_s <= EVERY_S
    site.redis.do("DEL", "{tidy}:turn")  # the interval is over
    assert site.run_once("two", "one") == ["one", "two"]


def test_jobs_of_different_names_do_not_exclude_each_other(site: Site) -> None:
    site.run_once("one")
    site.job("two", "other").run_once(site.stop)
    assert site.calls == ["one", "two"]


def test_unfinished_work_is_left_to_the_next_node(site: Site) -> None:
    site.outcomes = [False, True]
    assert site.run_once("one", "two", "one") == ["one", "two"]


@pytest.mark.parametrize("error", [StoreError("no store"), OSError("no disk")])
def test_failed_work_is_left_to_the_next_node(site: Site, error: Exception) -> None:
    site.outcomes = [error]
    with pytest.raises(type(error), match="no "):
        site.run_once("one")
    assert site.run_once("two", "one") == ["one", "two"]


def test_the_failure_is_raised_even_if_the_lock_cannot_be_released(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_without_right(_: threading.Event) -> bool:
        site.redis.do("ACL", "SETUSER", "default", "-del")
        raise StoreError("no store")

    try:
        with pytest.raises(StoreError, match="no store"):
            SiteJob("tidy", EVERY_S, fail_without_right, site.redis, "one").run_once(site.stop)
    finally:
        site.redis.do("ACL", "SETUSER", "default", "+del")
    assert "the lock of the site's job `tidy` expires later" in caplog.text
    assert site.run_once("two") == []


def test_the_loop_goes_on_after_a_failure_until_it_is_stopped(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    clock, stop = ManualClock(), threading.Event()

    def fail(_: threading.Event) -> bool:
        raise StoreError("no store")

    def end(_: threading.Event) -> bool:
        stop.set()
        return True

    steps: list[Callable[[threading.Event], bool]] = [fail, end]
    job = SiteJob("tidy", EVERY_S, lambda event: steps.pop(0)(event), redis, "one")
    job.run(stop, clock, 60)
    assert clock.waits_s == [60, 60, 60]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "the site's job `tidy` is tried again later: no store" in caplog.text
