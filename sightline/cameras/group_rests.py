"""Publishes the event of a vehicle as soon as it and everything else in view was read with
certainty, while the worker is behind, and leaves out the rest of its group of pictures if other
packets wait.

The events of what was in view are published then, because no frame may show how they end. A vehicle
that is still in view later continues its track, and its event is published again at its end.
"""

from __future__ import annotations

from typing import Protocol

from domain.events.analyser import Analyser
from domain.events.event import Passing


class GroupReader(Protocol):
    """Decodes the groups of one camera. `FrameReader` implements it."""

    @property
    def groups(self) -> int:
        """How many groups were begun, the last one by the last frame or before it."""

    @property
    def rest_ns(self) -> int:
        """The time from the last frame to the expected end of its group."""

    def skip_group(self) -> bool:
        """Do not decode the rest of the group of the last frame. Return False if all of it is
        decoded already.
        """


class RestPolicy(Protocol):
    """Decides for one camera which rests are left out. `CameraShare` implements it."""

    @property
    def leaves_out_rests(self) -> bool:
        """Whether the rests of some groups may be left out."""

    def leaves_out_rest(self, rest_ns: int) -> bool:
        """Return whether a rest of this length is left out now that everything in view is
        settled.
        """


class GroupRests:
    """The rests of one camera's groups. Its analysis thread calls `after_frame`."""

    def __init__(self, analyser: Analyser, reader: GroupReader, policy: RestPolicy) -> None:
        self._analyser = analyser
        self._reader = reader
        self._policy = policy
        self._group = 0
        self._seen = self._known = frozenset[str]()
        """What was in view when everything last was settled, and what was so before the current
        group.
        """
        self._published = frozenset[str]()
        """What was published when it settled, and is still in view as far as is known."""
        self.is_settled = False
        """Whether everything in view was settled at the last frame, while the worker is behind."""

    def after_frame(self) -> list[Passing]:
        """Return the passings that are published because they settled. Leave out the rest of the
        group if something new settled in it, and other packets wait.

        A vehicle that was settled before the group leaves out nothing. It may stand in view, and
        the group is decoded because something else moves.
        """
        self.is_settled = False
        if not self._policy.leaves_out_rests:
            return []
        if self._reader.groups != self._group:
            self._group, self._known = self._reader.groups, self._seen
        settled = self._analyser.settled()
        self.is_settled = bool(settled)
        # What was settled stays known while something else in view is not.
        self._seen = settled or self._seen
        new = settled - self._known
        if not new:
            return []
        is_rest = self._policy.leaves_out_rest(self._reader.rest_ns) and self._reader.skip_group()
        published = self._published & settled
        self._published = published | new
        return self._analyser.publish_settled(new if is_rest else new - published)
