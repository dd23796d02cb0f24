"""A digest is computed once for all requests that wait for it, and few requests may wait."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.cameras.digest_cache import MOST_KNOWN, MOST_REQUESTS, RecordingDigests
from domain.errors import DataLoss, StoreError
from tests.waiting import wait_event, wait_for


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


def test_requests_for_one_file_share_its_digest_and_others_wait() -> None:
    digests, content = RecordingDigests(), Content()
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(digests.sha256, '"a"', content.read()) for _ in range(2)]
        waiting += [pool.submit(digests.sha256, '"b"', content.read()) for _ in range(2)]
        assert len(waiting) == MOST_REQUESTS
        wait_for("requests", lambda: digests._requests == MOST_REQUESTS)
        with pytest.raises(StoreError, match="try again"):
            digests.sha256('"c"', content.read())
        content.released.set()
        assert {one.result() for one in waiting} == {content.sha256}
    assert (content.readers, content.most_running) == (2, 1)
    assert digests.sha256('"a"', content.read()) == content.sha256
    assert content.readers == 2


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
        digests.sha256('"a"', damaged())
    assert closed.is_set()
    assert digests.sha256('"a"', content.read()) == content.sha256


def test_the_digests_of_the_last_files_are_remembered() -> None:
    digests, content = RecordingDigests(), Content()
    content.released.set()
    for number in range(MOST_KNOWN):
        digests.sha256(f'"{number}"', content.read())
    digests.sha256('"0"', content.read())
    digests.sha256('"more"', content.read())
    assert content.readers == MOST_KNOWN + 1
    digests.sha256('"0"', content.read())
    assert content.readers == MOST_KNOWN + 1
    digests.sha256('"1"', content.read())
    assert content.readers == MOST_KNOWN + 2
