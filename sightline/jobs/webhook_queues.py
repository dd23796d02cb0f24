"""A bounded queue for each receiver, with one thread, so that a slow one delays no other."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Piece = TypeVar("Piece")


class WebhookQueues(Generic[Piece]):
    """The queues of all receivers. Thread-safe.

    A receiver has a thread while its queue is not empty.
    """

    def __init__(self, work: Callable[[Piece], None], max_receivers: int, max_queued: int) -> None:
        self._work = work
        self._max_queued = max_queued
        self._threads = ThreadPoolExecutor(max_receivers, "webhook")
        self._lock = threading.Lock()
        self._queues: dict[str, deque[Piece]] = {}
        self._running: list[Future[None]] = []

    def add(self, receiver: str, piece: Piece) -> bool:
        """Queue a piece of work; return False where the queue of this receiver is full.

        Raises the error of an earlier piece, whose queue was dropped.
        """
        with self._lock:
            failed = [one for one in self._running if one.done() and one.exception() is not None]
            self._running = [one for one in self._running if not one.done()]
            queue = self._queues.get(receiver)
            if queue is not None and len(queue) >= self._max_queued:
                return False
            if queue is None:
                queue = self._queues[receiver] = deque()
                self._running.append(self._threads.submit(self._drain, receiver, queue))
            queue.append(piece)
        for one in failed:
            one.result()
        return True

    def wait(self) -> None:
        """Wait until all queues are empty. Raises the error of a piece."""
        while True:
            with self._lock:
                running, self._running = self._running, []
            if not running:
                return
            for one in running:
                one.result()

    def close(self) -> None:
        """Drop all queued work, and wait for the running work."""
        with self._lock:
            for queue in self._queues.values():
                queue.clear()
        self._threads.shutdown(wait=True)

    def _drain(self, receiver: str, queue: deque[Piece]) -> None:
        try:
            while (piece := self._next(receiver, queue)) is not None:
                self._work(piece)
        except BaseException:
            with self._lock:
                self._queues.pop(receiver, None)
            raise

    def _next(self, receiver: str, queue: deque[Piece]) -> Piece | None:
        with self._lock:
            if queue:
                return queue.popleft()
            self._queues.pop(receiver, None)
            return None
