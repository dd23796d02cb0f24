"""A store that is silent holds one caller at a time; the first answer ends the breaker."""

from __future__ import annotations

import socket
import threading

import pytest

from domain.errors import NotFound, ObjectsUnavailable
from storage.clients.circuit_breaker import CircuitBreaker
from storage.clients.s3 import ObjectStore
from tests.waiting import wait_for

REFUSAL = ObjectsUnavailable("not asked")


def _ask(breaker: CircuitBreaker, fault: Exception | None = None) -> None:
    with breaker.guard(REFUSAL, (TimeoutError,)):
        if fault is not None:
            raise fault


def test_only_silence_is_open() -> None:
    breaker = CircuitBreaker()
    with pytest.raises(NotFound):
        _ask(breaker, NotFound("x"))
    with breaker.guard(REFUSAL, (TimeoutError,)):
        _ask(breaker)  # next to another call: the circuit is closed


def test_while_one_finds_out_the_others_are_refused() -> None:
    breaker = CircuitBreaker()
    with pytest.raises(TimeoutError):
        _ask(breaker, TimeoutError())
    with (
        breaker.guard(REFUSAL, (TimeoutError,)),
        pytest.raises(ObjectsUnavailable, match="not asked"),
    ):
        _ask(breaker)
    with breaker.guard(REFUSAL, (TimeoutError,)):
        _ask(breaker)  # it had answered


def test_a_store_that_hangs_keeps_few_threads() -> None:
    """A socket that accepts and never answers, as a stopped server: after the first timeout, all
    all callers but one return immediately.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = ObjectStore(f"127.0.0.1:{silent.getsockname()[1]}", "key", "secret", "bucket")
        with pytest.raises(ObjectsUnavailable):
            store.get("first")
        probe = threading.Thread(target=_swallow, args=(store,))
        probe.start()
        wait_for("the probe", store._breaker._probing.locked)
        for _ in range(20):
            with pytest.raises(ObjectsUnavailable, match="last call"):
                store.get("next")
        probe.join()
        store.close()


def _swallow(store: ObjectStore) -> None:
    with pytest.raises(ObjectsUnavailable):
        store.get("probe")
