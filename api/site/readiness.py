"""Checks the dependencies of the API, at most once a second for all requests of `/readyz`."""

from __future__ import annotations

import threading
from collections.abc import Callable

from api.access.api_context import ApiContext
from api.site.models import Dependency
from domain.alarms import AlarmName
from domain.errors import SightlineError

FRESH_S = 1.0
_DISK_ALARMS = (AlarmName.DISK_FULL, AlarmName.DISK_HELD, AlarmName.DISK_UNWRITABLE)


class Probes:
    """Checks and caches the dependencies. Thread-safe.

    While one caller checks, the others get the last result.
    """

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._asking = threading.Lock()
        self._found: tuple[Dependency, ...] = ()
        self._found_s = float("-inf")

    def dependencies(self) -> tuple[Dependency, ...]:
        if self._is_old() and self._asking.acquire(blocking=not self._found):
            try:
                if self._is_old():
                    self._found = (
                        *(probe(self._context) for probe in _PROBES),
                        *_contents(self._context),
                        *_provider(self._context),
                    )
                    self._found_s = self._context.clock.monotonic_s()
            finally:
                self._asking.release()
        return self._found

    def _is_old(self) -> bool:
        return self._context.clock.monotonic_s() - self._found_s >= FRESH_S


def _index(context: ApiContext) -> Dependency:
    try:
        context.index.count()
    except SightlineError:
        return Dependency(name="index", ok=False, required=True, why="Redis does not answer")
    return Dependency(name="index", ok=True, required=True, why="")


def _objects(context: ApiContext) -> Dependency:
    try:
        context.objects.ping()
    except SightlineError:
        return Dependency(
            name="objects",
            ok=False,
            required=False,
            why="the object store does not answer for its bucket",
        )
    return Dependency(name="objects", ok=True, required=False, why="")


def _disk(context: ApiContext) -> Dependency:
    bad = [alarm for alarm in context.alarms() if alarm.name in _DISK_ALARMS]
    return Dependency(
        name="disk",
        ok=not bad,
        required=False,
        why="; ".join(f"{alarm.node}: {alarm.sentence}" for alarm in bad),
    )


def _provider(context: ApiContext) -> list[Dependency]:
    """Return the state of the identity provider. Without it, tokens and passwords still work."""
    if context.openid is None:
        return []
    why = context.openid.fault()
    return [Dependency(name="identity_provider", ok=why is None, required=False, why=why or "")]


def _contents(context: ApiContext) -> list[Dependency]:
    """Return whether the stores that respond still have the data of this site."""
    faults = context.site_faults()
    contents = (("index_contents", faults.index), ("objects_contents", faults.objects))
    return [
        Dependency(name=name, ok=why is None, required=True, why=why or "")
        for name, why in contents
    ]


_PROBES: tuple[Callable[[ApiContext], Dependency], ...] = (_index, _objects, _disk)
