"""Which frames of a stream one viewer is sent next. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from api.webrtc.frame_history import FrameHistory, RtpFrame


class ViewerFrames:
    """The place of one viewer in a stream. It begins at the held keyframe."""

    def __init__(self) -> None:
        self._next: int | None = None
        """The number of the next frame to send; None to wait for a keyframe."""
        self._missed_from: int | None = None
        """The number of the first frame that the viewer missed, while it waits for a keyframe."""
        self.missed = 0
        """How many frames the viewer was not sent, because it was too slow."""

    @property
    def has_begun(self) -> bool:
        """Whether the viewer is sent frames, and does not wait for a keyframe."""
        return self._next is not None

    def due(self, history: FrameHistory) -> Sequence[RtpFrame]:
        """Return the held frames that the viewer has not been sent. One that missed a frame
        continues at the newest keyframe.
        """
        if self._next is not None:
            frames = history.since(self._next)
            if not frames or frames[0].number == self._next:
                return frames
            self.wait_for_keyframe(self._next)
        keyframe = history.keyframe
        if keyframe is None or keyframe.number < (self._missed_from or 0):
            return ()
        if self._missed_from is not None:
            self.missed += keyframe.number - self._missed_from
            self._missed_from = None
        return history.since(keyframe.number)

    def sent(self, frame: RtpFrame) -> None:
        """Continue after this frame."""
        self._next = frame.number + 1

    def repeat_from(self, keyframe: RtpFrame) -> None:
        """Continue at a held keyframe, because the viewer lost it or a frame after it."""
        self._next = keyframe.number

    def wait_for_keyframe(self, missed_from: int) -> None:
        """Send nothing up to the next keyframe. The frames from `missed_from` on are missed."""
        self._next, self._missed_from = None, missed_from

    def move(self) -> None:
        """Begin with another stream."""
        self._next = self._missed_from = None
