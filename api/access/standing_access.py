"""Checks during a long response that its person may still receive it.

A feed is open for up to an hour. Its person is looked up every few seconds, so that a revoked
token, an ended session, or a lost right ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anyio import to_thread

from api.requests.request_trace import Trace
from api.requests.tickets import Basis
from domain.camera_scope import VisibleCameras
from domain.clock import Clock
from domain.errors import Forbidden, IndexUnavailable, ObjectsUnavailable
from domain.people import Person

CHECK_EVERY_S = 2.0
_MOST_REMEMBERED = 10_000
FindHolder = Callable[[str, str], Person | None]
FindVisible = Callable[[Person], VisibleCameras]
IsOver = Callable[[Basis], bool]
"""Return whether the approval or the emergency access of an open response has ended. Blocking."""


@dataclass(frozen=True, slots=True)
class _Found:
    person: Person | None
    at_s: float


class StandingAccess:
    """Looks people up for all open responses of a process. Only its event loop may use it."""

    def __init__(
        self,
        find_holder: FindHolder,
        find_visible: FindVisible,
        clock: Clock,
        is_over: IsOver = lambda basis: False,
    ) -> None:
        self._find_holder = find_holder
        self._find_visible = find_visible
        self._clock = clock
        self._is_over = is_over
        self._found: dict[tuple[str, str], _Found] = {}

    def visible(self, person: Person) -> VisibleCameras:
        return self._find_visible(person)

    async def person(self, holder: Person) -> Person | None:
        """Return the person as of the last seconds, or None if the credential is not valid."""
        key = (holder.name, holder.token)
        known = self._found.get(key)
        if known is None or self._clock.monotonic_s() - known.at_s >= CHECK_EVERY_S:
            known = _Found(
                await to_thread.run_sync(self._find_holder, *key), self._clock.monotonic_s()
            )
            if len(self._found) >= _MOST_REMEMBERED:
                self._found.clear()
            self._found[key] = known
        return known.person

    async def is_over(self, basis: Basis) -> bool:
        """Return whether the approval or the emergency access that lets a response go on has ended.

        While the object store does not respond, the last result stays in force.
        """
        if not basis.terms:
            return False
        try:
            return await to_thread.run_sync(self._is_over, basis)
        except ObjectsUnavailable:
            return False

    def of(self, trace: Trace) -> FollowerAccess:
        """Return the access of one request. Raises Forbidden for a request without a person."""
        if trace.person is None or trace.declaration is None:
            raise Forbidden("this request has no person")
        allows = trace.declaration.allows
        return FollowerAccess(self, trace.person, allows, self._clock, trace.basis)


class FollowerAccess:
    """The access of one open response."""

    def __init__(
        self,
        standing: StandingAccess,
        holder: Person,
        allows: Callable[[Person], bool],
        clock: Clock,
        basis: Basis | None = None,
    ) -> None:
        self._standing = standing
        self._basis = basis or Basis()
        self.person = holder
        """The person as of the last check."""
        self.visible = standing.visible(holder)
        """The cameras that the person may see, as of the last check."""
        self._allows = allows
        self._clock = clock
        self._checked_s = clock.monotonic_s()

    async def is_ended(self) -> bool:
        """Whether the response must end. It costs a look-up at most every few seconds.

        While Redis does not respond, the last result stays in force: no arrival can be read then.
        """
        if self._clock.monotonic_s() - self._checked_s < CHECK_EVERY_S:
            return False
        try:
            person = await self._standing.person(self.person)
        except IndexUnavailable:
            return False
        self._checked_s = self._clock.monotonic_s()
        if person is None or not self._allows(person):
            return True
        if await self._standing.is_over(self._basis):
            return True
        self.person, self.visible = person, self._standing.visible(person)
        return False
