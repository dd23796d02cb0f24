"""Checks during a long response that its person may still receive it.

A feed is open for up to an hour, a live view or a download without a limit. The person is looked
up every few seconds, so that a revoked token, an ended session, or a lost right ends the response.
A closed case and an ended approval end it too, where the access policy requires them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from anyio import to_thread

from api.access.api_context import ApiContext
from api.access.requirements import Requirements
from api.access.standing_requirements import StandingRequirements
from api.requests.request_trace import Trace
from domain.camera_scope import VisibleCameras
from domain.clock import Clock
from domain.errors import Forbidden, IndexUnavailable, ObjectsUnavailable
from domain.people import Person

CHECK_EVERY_S = 2.0
_MOST_REMEMBERED = 10_000
FindHolder = Callable[[str, str], Person | None]
FindVisible = Callable[[Person], VisibleCameras]
CheckRequirements = Callable[[Trace], Awaitable[None]]


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
        check_requirements: CheckRequirements,
        clock: Clock,
    ) -> None:
        self.check_requirements = check_requirements
        self._find_holder = find_holder
        self._find_visible = find_visible
        self._clock = clock
        self._found: dict[tuple[str, str], _Found] = {}

    @classmethod
    def of_site(cls, context: ApiContext) -> StandingAccess:
        requirements = StandingRequirements(Requirements(context), context.clock)
        return cls(
            context.authentication.holder, context.visible, requirements.check, context.clock
        )

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

    def of(self, trace: Trace) -> FollowerAccess:
        """Return the access of one request. Raises Forbidden for a request without a person."""
        if trace.person is None or trace.declaration is None:
            raise Forbidden("this request has no person")
        return FollowerAccess(self, trace, trace.person, trace.declaration.allows, self._clock)


class FollowerAccess:
    """The access of one open response."""

    def __init__(
        self,
        standing: StandingAccess,
        trace: Trace,
        holder: Person,
        allows: Callable[[Person], bool],
        clock: Clock,
    ) -> None:
        self._standing = standing
        self._trace = trace
        self.person = holder
        """The person as of the last check."""
        self.visible = standing.visible(holder)
        """The cameras that the person may see, as of the last check."""
        self._first = holder
        self._allows = allows
        self._clock = clock
        self._checked_s = clock.monotonic_s()
        self._refusal: Forbidden | None = None
        """What a check has raised; the response never goes on after that."""

    async def check(self) -> None:
        """Check whether the response may go on. It costs a look-up at most every few seconds.

        While a store does not respond, the last result stays in force. Raises Forbidden, or
        CaseRequired or ApprovalRequired where the access policy requires one.
        """
        if self._refusal is not None:
            raise self._refusal
        if self._clock.monotonic_s() - self._checked_s < CHECK_EVERY_S:
            return
        try:
            await self._look_up()
        except Forbidden as error:
            self._refusal = error
            raise

    async def _look_up(self) -> None:
        try:
            person = await self._standing.person(self.person)
        except IndexUnavailable:
            return
        self._checked_s = self._clock.monotonic_s()
        if person is None or not self._allows(person):
            raise Forbidden("the token, or the right to this call, is no longer valid")
        self.person, self.visible = person, self._standing.visible(person)
        with suppress(ObjectsUnavailable):
            await self._standing.check_requirements(self._trace)

    async def is_ended(self) -> bool:
        """Return whether the response must end, for any reason that `check` raises."""
        try:
            await self.check()
        except Forbidden:
            return True
        return False

    async def has_changed(self) -> bool:
        """Return whether a download must end: for any reason that `check` raises, and because the
        scope of the person has changed or a right is lost. Besides that of the call, a download may
        need rights that its route alone knows, such as the one to see unmasked video.
        """
        if await self.is_ended() or self.person.scope != self._first.scope:
            return True
        return not self._first.rights <= self.person.rights
