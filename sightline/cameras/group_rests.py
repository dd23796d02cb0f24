"""Leaves out the rest of a group of pictures once a vehicle that is new in it was read with
certainty, and so was everything else in view, while the worker is behind.

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
        self._seen = self._known = frozenset[str]()
        """What was in view when everything last was settled, and what was so before the current
        group.
        """

    def after_frame(self) -> list[Passing]:
        """Leave out the rest of the group if something new settled in it and a frame of it would
        show nothing more, and return the passings that are published therefore.

        A vehicle that was settled before the group leaves out nothing. It may stand in view, and
        the group is decoded because something else moves.
        """
        if not self._share.leaves_out_rests:
            return []
        if self._reader.groups != self._group:
            self._group, self._known = self._reader.groups, self._seen
        settled = self._analyser.settled()
        # What was settled stays known while something else in view is not.
        self._seen = settled or self._seen
        new = settled - self._known
        if not new or not self._share.leaves_out_rest(self._reader.rest_ns):
            return []
        if not self._reader.skip_group():
            return []
        return self._analyser.publish_settled(new)
