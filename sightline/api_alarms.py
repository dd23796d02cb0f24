"""The alarms that the API adds to those of the nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from domain.alarms import Alarm, AlarmName
from domain.clock import Clock
from domain.errors import IndexUnavailable
from domain.messages.message import Message
from domain.paths.data_layout import Layout
from storage.clients.redis import Redis
from storage.site.alarms import alarms_in_file, published_alarms
from storage.site.people import People

_NAMED = 5
"""The number of names in the sentence of an alarm."""


class OwnAlarm:
    """An alarm of this process about its data folder: on a machine without a node no other process
    raises it.
    """

    def __init__(
        self, name: AlarmName, sentence: Callable[[], Message | None], node: str, clock: Clock
    ) -> None:
        self._name = name
        self._sentence = sentence
        self._node = node
        self._clock = clock
        self._since_ns: int | None = None

    def added_to(self, known: tuple[Alarm, ...]) -> tuple[Alarm, ...]:
        """Return `known` and this alarm, unless the node on the same machine has raised it."""
        sentence = self._sentence()
        if sentence is None:
            self._since_ns = None
            return known
        since_ns = self._since_ns = self._since_ns or self._clock.wall_ns()
        if any(alarm.name is self._name and alarm.node == self._node for alarm in known):
            return known
        return (*known, Alarm.of(self._name, self._node, since_ns, sentence))


class PeopleAlarm:
    """The alarm of records of people that are not authentic. Only the API can verify them."""

    def __init__(self, people: People, node: str, clock: Clock) -> None:
        self._people = people
        self._node = node
        self._clock = clock
        self._since_ns: int | None = None

    def added_to(self, known: tuple[Alarm, ...]) -> tuple[Alarm, ...]:
        """Return `known` and this alarm if there are such records. Raises IndexUnavailable."""
        names = self._people.refused()
        if not names:
            self._since_ns = None
            return known
        since_ns = self._since_ns = self._since_ns or self._clock.wall_ns()
        sentence = Message(
            "{count} records of people in Redis are not authentic and grant nothing: {names}; find "
            "out what wrote them, then run  sightline index rebuild  and  sightline user list",
            count=len(names),
            names=", ".join(names[:_NAMED]),
        )
        return (*known, Alarm.of(AlarmName.PEOPLE_REFUSED, self._node, since_ns, sentence))


def current_alarms(
    redis: Redis, layout: Layout, own: Sequence[OwnAlarm], people: PeopleAlarm, clock: Clock
) -> tuple[Alarm, ...]:
    """Return the alarms of all nodes and of this process; without Redis, those of the node on this
    data folder in place of all nodes.
    """
    try:
        alarms = people.added_to(published_alarms(redis, clock))
    except IndexUnavailable:
        alarms = alarms_in_file(layout.alarms, clock)
    for alarm in own:
        alarms = alarm.added_to(alarms)
    return alarms
