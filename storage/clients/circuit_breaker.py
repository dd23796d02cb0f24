"""A store that did not answer its last call is suspect: one caller at a time finds out whether it
does again, others are refused at once.

Without it a store that hangs holds every thread of the API for its whole timeout, again and again,
and searches wait behind pictures.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from domain.errors import StoreError


class CircuitBreaker:
    """Thread-safe; one for each connection to a store."""

    def __init__(self) -> None:
        self._is_suspect = False
        self._probing = threading.Lock()

    @contextmanager
    def asking(
        self, refusal: StoreError, silence: tuple[type[BaseException], ...]
    ) -> Iterator[None]:
        """Around a call. Raises `refusal` while another caller is finding out; an error of
        `silence` makes the store suspect.
        """
        is_probe = self._is_suspect
        if is_probe and not self._probing.acquire(blocking=False):
            raise refusal
        try:
            yield
        except BaseException as error:
            self._is_suspect = isinstance(error, silence)
            raise
        else:
            self._is_suspect = False
        finally:
            if is_probe:
                self._probing.release()
