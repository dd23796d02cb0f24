"""Adds the CPU time of a `with` block to a counter."""

from __future__ import annotations

from types import TracebackType

from prometheus_client import Counter

from domain.clock import thread_cpu_s


class CpuTime:
    """Measures one block in the calling thread: `with CpuTime(counter): …`."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._from_s = 0.0

    def __enter__(self) -> None:
        self._from_s = thread_cpu_s()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._counter.inc(thread_cpu_s() - self._from_s)
