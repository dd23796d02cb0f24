"""A digest is computed once for all clients that wait for it, and few of them may wait."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.cameras.digest_cache import (
    MOST_KNOWN,
    MOST_REQUESTS,
    RETRY_AFTER_S,
    DigestRequest,
    RecordingDigests,
)
from domain.errors import Cancelled, DataLoss, RateLimited, StoreError
from tests.waiting import PATIENCE_S, wait_event, wait_for


class Content:
    """The bytes of a file, which a test releases; counts the readers."""

    def __init__(self, data: bytes = b"0123456789") -> None:
        self.data = data
        self.released = threading.Event()
        self.begun = threading.Event()
        self.readers = self.running = self.most_running = 0

    def read(self) -> Generator[bytes]:
        self.readers += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.begun.set()
        wait_event("release", self.released)
        yield self.data[:4]
        yield self.data[4:]
        self.running -= 1

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.data).digest()


def wanted(etag: str, person: str = "ann") -> DigestRequest:
    return DigestRequest(etag, person)


def test_requests_for_one_file_share_its_digest_and_others_wait() -> None:
    digests, content = RecordingDigests(), Content()
    requests = [wanted(etag, f"{etag}{number}") for etag in "ab" for number in range(2)]
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(digests.sha256, one, content.read()) for one in requests]
        assert len(waiting) == MOST_REQUESTS
        wait_for("requests", lambda: len(digests._requests) == MOST_REQUESTS)
        with pytest.raises(StoreError, match="try again"):
            digests.sha256(wanted("c"), content.read())
        content.released.set()
        assert {one.result() for one in waiting} == {content.sha256}
    assert (content.readers, content.most_running) == (2, 1)
    assert digests.sha256(wanted("a"), content.read()) == content.sha256
    assert content.readers == 2


def test_a_person_waits_for_one_digest_at_a_time() -> None:
    digests, content = RecordingDigests(), Content()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(digests.sha256, wanted("a"), content.read())
        wait_event("reading", content.begun)
        for etag in "ab":
            with pytest.raises(RateLimited, match="ann waits") as refused:
                digests.sha256(wanted(etag), content.read())
            assert refused.value.retry_after_s == RETRY_AFTER_S
        content.released.set()
        assert first.result() == content.sha256
    assert digests.sha256(wanted("b"), content.read()) == content.sha256


def test_a_digest_stops_when_no_client_waits_for_it() -> None:
    digests, content = RecordingDigests(), Content()
    first, second, other = wanted("a"), wanted("a", "bob"), wanted("b", "cyd")
    with ThreadPoolExecutor() as pool:
        computing = pool.submit(digests.sha256, first, content.read())
        wait_event("reading", content.begun)
        waiting = [pool.submit(digests.sha256, one, content.read()) for one in (second, other)]
        wait_for("requests", lambda: len(digests._requests) == 3)
        second.disconnected.set_result(None)
        with pytest.raises(Cancelled):  # without waiting for its turn
            waiting[0].result(PATIENCE_S)
        assert not computing.done()
        first.disconnected.set_result(None)
        content.released.set()
        with pytest.raises(Cancelled):
            computing.result(PATIENCE_S)
        assert waiting[1].result(PATIENCE_S) == content.sha256
    assert digests.sha256(wanted("a"), content.read()) == content.sha256
    assert content.readers == 3


def test_a_digest_goes_on_for_the_client_that_still_waits() -> None:
    digests, content = RecordingDigests(), Content()
    first, second = wanted("a"), wanted("a", "bob")
    with ThreadPoolExecutor() as pool:
        computing = pool.submit(digests.sha256, first, content.read())
        wait_event("reading", content.begun)
        waiting = pool.submit(digests.sha256, second, content.read())
        wait_for("requests", lambda: len(digests._requests) == 2)
        first.disconnected.set_result(None)
        again = pool.submit(digests.sha256, wanted("a"), content.read())  # not limited
        content.released.set()
        results = [one.result(PATIENCE_S) for one in (computing, waiting, again)]
    assert (results, content.readers) == ([content.sha256] * 3, 1)


def test_a_reading_that_fails_is_closed_and_the_next_request_reads_again() -> None:
    digests, content = RecordingDigests(), Content()
    content.released.set()
    closed = threading.Event()

    def damaged() -> Generator[bytes]:
        try:
            yield b"0123"
            raise DataLoss("a fragment is damaged")
        finally:
            closed.set()

    with pytest.raises(DataLoss):
        digests.sha256(wanted("a"), damaged())
    assert closed.is_set()
    assert digests.sha256(wanted("a"), content.read()) == content.sha256


def test_the_digests_of_the_last_files_are_remembered() -> None:
    digests, content = RecordingDigests(), Content()
    content.released.set()
    for number in range(MOST_KNOWN):
        digests.sha256(wanted(str(number)), content.read())
    digests.sha256(wanted("0"), content.read())
    digests.sha256(wanted("more"), content.read())
    assert content.readers == MOST_KNOWN + 1
    digests.sha256(wanted("0"), content.read())
    assert content.readers == MOST_KNOWN + 1
    digests.sha256(wanted("1"), content.read())
    assert content.readers == MOST_KNOWN + 2
