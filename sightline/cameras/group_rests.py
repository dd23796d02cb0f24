"""Leaves out the rest of a group of pictures once everything in view was read with certainty, while
the worker is behind.

The events of what was in view are published then, because no frame may show how they end. A vehicle
that is still in view at the next keyframe continues its track, and its event is published again.
"""

from __future__ import annotations

from domain.events.analyser import Analyser
from domain.events.event import Passing
from ingest.frames.decoder import FrameReader
from sightline.cameras.decode_share import CameraShare


class GroupRests:
    """The rests of one camera's groups. Its analysis thread calls `after_frame`."""

    def __init__(self, analyser: Analyser, reader: FrameReader, share: CameraShare) -> None:
        self._analyser = analyser
        self._reader = reader
        self._share = share
        self._group = 0
        self._is_left_out = False
        """Whether the rest of the current group may be left out."""
        self._settled = self._known = frozenset[str]()
        """What was settled at the last frame, and what was before the current group."""

    def after_frame(self) -> list[Passing]:
        """Leave out the rest of the group if a frame of it would show nothing new, and return the
        passings that are published therefore.
        """
        if not self._share.leaves_out_rests:
            return []
        if self._reader.groups != self._group:
            self._group, self._known = self._reader.groups, self._settled
            self._is_left_out = self._share.leaves_out_rest()
        self._settled = self._analyser.settled()
        if not self._settled or not self._is_left_out:
            return []
        new = self._settled - self._known
        # The time after a vehicle that was known before is worth more than a whole group.
        if not new and not self._share.refuses_groups:
            return []
        self._reader.skip_group()
        return self._analyser.publish_settled(new)
