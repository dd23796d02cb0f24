"""The groups of pictures that a checkpoint's reader decodes, and the rest of one that it skips."""

from __future__ import annotations

from domain import metrics
from domain.media.packets import Packet
from domain.recordings.partly_analysed import PartlyCause
from ingest.frames.admission import NotDecoded
from ingest.frames.analysis_losses import AnalysisLosses
from ingest.frames.decode_control import DecodeControl


class SettledRest:
    """The groups of one reader. Its thread calls it."""

    def __init__(self, camera_id: str, control: DecodeControl, losses: AnalysisLosses) -> None:
        """`losses` receives the time that is skipped, as far as `control` did not hold it."""
        self._control = control
        self._losses = losses
        self._packets = metrics.PACKETS_NOT_DECODED.labels(camera_id, NotDecoded.SETTLED)
        self.groups = 0
        """How many groups of pictures were begun, by the pictures that were returned."""
        self._group_from_ns = 0
        """The time of the first picture of the last of them."""
        self._begun_pts: int | None = None
        """The pts of a keyframe that was decoded, until the decoder returns its picture or a later
        one. Pictures of the group before it are returned first, if they are reordered.
        """
        self._from_ns: int | None = None
        """Since when the rest of a group is skipped."""

    @property
    def is_before_group(self) -> bool:
        """Whether a keyframe was decoded, and its picture or a later one was not returned yet."""
        return self._begun_pts is not None

    def rest_ns(self, at_ns: int) -> int:
        """Return the time from `at_ns` to the end of the group, if that is as long as the last."""
        return max(0, self._group_from_ns + self._control.group_ns - at_ns)

    def begin(self, from_ns: int) -> bool:
        """Skip the rest of the group from this time on. Return False if all of it is decoded
        already.
        """
        if self._begun_pts is not None:
            return False
        self._from_ns = from_ns
        return True

    def on_packet(self, packet: Packet) -> None:
        """Report the time up to a packet while a rest is skipped, or up to where the gate held the
        packets before it. A keyframe ends the rest.
        """
        if self._from_ns is None:
            return
        held_ns = self._control.skipped_from_ns(packet.wall_ns)
        self.end(packet.wall_ns if held_ns is None else held_ns)
        if not packet.is_keyframe:
            self._from_ns = packet.wall_ns
            self._packets.inc()

    def end(self, at_ns: int) -> None:
        """Report the rest that is skipped, if there is one, up to this time."""
        if self._from_ns is not None:
            self._losses.add(self._from_ns, at_ns, PartlyCause.SETTLED)
            self._from_ns = None

    def on_decoded(self, packet: Packet) -> None:
        """Note that the decoder got a packet."""
        if packet.is_keyframe:
            self._begun_pts = packet.pts

    def on_picture(self, source: Packet) -> None:
        """Note that the decoder returned the picture of a packet."""
        if self._begun_pts is not None and source.pts >= self._begun_pts:
            self.groups, self._begun_pts = self.groups + 1, None
            self._group_from_ns = source.wall_ns
