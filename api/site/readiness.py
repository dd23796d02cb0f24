"""Checks the dependencies of the API, at most once a second for all requests of `/readyz`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from api.access.api_context import ApiContext
from api.site.models import Dependency
from domain.alarms import AlarmName
from domain.errors import SightlineError
from domain.messages.message import NO_MESSAGE, Message, joined

FRESH_S = 1.0
_DISK_ALARMS = (AlarmName.DISK_FULL, AlarmName.DISK_HELD, AlarmName.DISK_UNWRITABLE)


@dataclass(frozen=True, slots=True)
class DependencyState:
    """The state of one dependency; `why` is false while it works."""

    name: str
    required: bool
    why: Message = NO_MESSAGE

    @property
    def ok(self) -> bool:
        return not self.why

    def view(self, why: str | None) -> Dependency:
        """Return the answer of the API, with the cause in the language of the client."""
        return Dependency(name=self.name, ok=self.ok, required=self.required, why=why)


class Probes:
    """Checks and caches the dependencies. Thread-safe.

    While one caller checks, the others get the last result.
    """

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._asking = threading.Lock()
        self._found: tuple[DependencyState, ...] = ()
        self._found_s = float("-inf")

    def dependencies(self) -> tuple[DependencyState, ...]:
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


def _index(context: ApiContext) -> DependencyState:
    try:
        context.index.count()
    except SightlineError:
        return DependencyState("index", required=True, why=Message("Redis does not answer"))
    return DependencyState("index", required=True)


def _objects(context: ApiContext) -> DependencyState:
    try:
        context.objects.ping()
    except SightlineError:
        why = Message("the object store does not answer for its bucket")
        return DependencyState("objects", required=False, why=why)
    return DependencyState("objects", required=False)


def _disk(context: ApiContext) -> DependencyState:
    bad = [alarm for alarm in context.alarms() if alarm.name in _DISK_ALARMS]
    sentences = [
        Message(
            "{node}: {sentence}", node=alarm.node, sentence=alarm.message or Message(alarm.sentence)
        )
        for alarm in bad
    ]
    return DependencyState(
        "disk", required=False, why=joined(sentences) if sentences else NO_MESSAGE
    )


def _provider(context: ApiContext) -> list[DependencyState]:
    """Return the state of the identity provider. Without it, tokens and passwords still work."""
    if context.openid is None:
        return []
    why = context.openid.fault()
    return [DependencyState("identity_provider", required=False, why=why or NO_MESSAGE)]


def _contents(context: ApiContext) -> list[DependencyState]:
    """Return whether the stores that respond still have the data of this site."""
    faults = context.site_faults()
    contents = (("index_contents", faults.index), ("objects_contents", faults.objects))
    return [DependencyState(name, required=True, why=why or NO_MESSAGE) for name, why in contents]


_PROBES: tuple[Callable[[ApiContext], DependencyState], ...] = (_index, _objects, _disk)
