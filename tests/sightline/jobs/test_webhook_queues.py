"""Queues by receiver: bounded, one piece at a time, and independent of each other."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sightline.jobs.webhook_queues import WebhookQueues
from tests.waiting import PATIENCE_S


class Work:
    """Pieces are (receiver, number); those of `dead` hang until they are released."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int]] = []
        self.let_go = threading.Event()
        self.begun = threading.Semaphore(0)
        self.done_one = threading.Semaphore(0)

    def __call__(self, piece: tuple[str, int]) -> None:
        if piece[0] == "dead":
            self.begun.release()
            assert self.let_go.wait(PATIENCE_S)
        if piece[0] == "broken":
            raise ZeroDivisionError("a fault of ours")
        self.done.append(piece)
        self.done_one.release()


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def receivers(work: Work) -> Iterator[WebhookQueues[tuple[str, int]]]:
    made = WebhookQueues(work, max_receivers=2, max_queued=3)
    yield made
    work.let_go.set()
    made.close()


def test_a_dead_receiver_delays_no_other(
    work: Work, receivers: WebhookQueues[tuple[str, int]]
) -> None:
    for number in range(3):
        assert receivers.add("dead", ("dead", number))
    assert work.begun.acquire(timeout=PATIENCE_S)
    for number in range(50):
        assert receivers.add("well", ("well", number))
        assert work.done_one.acquire(timeout=PATIENCE_S)
    assert work.done == [("well", number) for number in range(50)]
    assert not work.begun.acquire(blocking=False), "one at a time"
    work.let_go.set()
    receivers.wait()
    assert work.done[50:] == [("dead", number) for number in range(3)]


def test_a_queue_is_bounded(work: Work, receivers: WebhookQueues[tuple[str, int]]) -> None:
    assert receivers.add("dead", ("dead", 0))
    assert work.begun.acquire(timeout=PATIENCE_S)
    assert [receivers.add("dead", ("dead", number)) for number in range(1, 6)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_fault_of_ours_is_raised_and_the_receiver_is_served_again(
    work: Work, receivers: WebhookQueues[tuple[str, int]]
) -> None:
    receivers.add("broken", ("broken", 0))
    with pytest.raises(ZeroDivisionError):
        receivers.wait()
    receivers.add("broken", ("well", 1))
    receivers.wait()
    assert work.done == [("well", 1)]


def test_what_waits_is_dropped_at_the_end(work: Work) -> None:
    receivers = WebhookQueues(work, max_receivers=1, max_queued=3)
    for number in range(3):
        receivers.add("dead", ("dead", number))
    assert work.begun.acquire(timeout=PATIENCE_S)
    closing = threading.Thread(target=receivers.close)
    closing.start()
    while any(receivers._queues.values()):
        work.begun.acquire(timeout=0.01)
    work.let_go.set()
    closing.join(PATIENCE_S)
    assert work.done == [("dead", 0)]
