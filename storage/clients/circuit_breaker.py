"""A circuit breaker for a store. After a call without an answer, one caller at a time probes the
store, and all others are refused immediately.

Without it, an unresponsive store would block every thread of the API for its whole timeout, and
searches would wait behind pictures.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from domain.errors import StoreError


class CircuitBreaker:
    """The breaker of one connection to a store. It is thread-safe."""

    def __init__(self) -> None:
        self._is_open = False
        self._probing = threading.Lock()

    @contextmanager
    def guard(
        self, refusal: StoreError, silent_errors: tuple[type[BaseException], ...]
    ) -> Iterator[None]:
        """Guard a call. Raises `refusal` while another caller probes the store; one of
        `silent_errors` opens the circuit.
        """
        is_probe = self._is_open
        if is_probe and not self._probing.acquire(blocking=False):
            raise refusal
        try:
            yield
        except BaseException as error:
            self._is_open = isinstance(error, silent_errors)
            raise
        else:
            self._is_open = False
        finally:
            if is_probe:
                self._probing.release()
