"""Work for many receivers in threads: one piece at a time for each of them, so that a slow one
delays none of the others.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Piece = TypeVar("Piece")


class WebhookQueues(Generic[Piece]):
    """Thread-safe. Each receiver has a bounded queue, and one thread while there is anything in
    it.
    """

    def __init__(
        self, work: Callable[[Piece], None], most_receivers: int, most_waiting: int
    ) -> None:
        self._work = work
        self._most_waiting = most_waiting
        self._threads = ThreadPoolExecutor(most_receivers, "webhook")
        self._lock = threading.Lock()
        self._queues: dict[str, deque[Piece]] = {}
        self._running: list[Future[None]] = []

    def add(self, receiver: str, piece: Piece) -> bool:
        """False where the queue of this receiver is full.

        Raises what a piece raised earlier: its receiver's queue was dropped with it.
        """
        with self._lock:
            failed = [one for one in self._running if one.done() and one.exception() is not None]
            self._running = [one for one in self._running if not one.done()]
            queue = self._queues.get(receiver)
            if queue is not None and len(queue) >= self._most_waiting:
                return False
            if queue is None:
                queue = self._queues[receiver] = deque()
                self._running.append(self._threads.submit(self._drain, receiver, queue))
            queue.append(piece)
        for one in failed:
            one.result()
        return True

    def wait(self) -> None:
        """Until all that was added is done. Raises what a piece raised."""
        while True:
            with self._lock:
                running, self._running = self._running, []
            if not running:
                return
            for one in running:
                one.result()

    def close(self) -> None:
        """Drop what waits, and wait for what is being done."""
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
