"""One stream of a camera in the media process: its newest frames, and the viewers of them."""

from __future__ import annotations

from collections.abc import Callable

from api.nodes.live_wire import LiveReader
from api.webrtc.frame_history import FrameHistory
from api.webrtc.pictures import PictureReader
from domain.errors import SightlineError
from domain.media.held_gop import MemoryLimit


class MediaStream:
    """Makes the frames of a stream once, and calls the viewers when there are new ones.

    The frames are those that one API process sends, as it received them from the camera's node.
    """

    def __init__(self, camera_id: str, is_sub: bool, bound: MemoryLimit) -> None:
        self.is_sub = is_sub
        self.history = FrameHistory(bound)
        self.error: SightlineError | None = None
        """Why the stream ended; None while it continues."""
        self._records = LiveReader(camera_id)
        self._pictures = PictureReader(camera_id)
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after new frames, and after the end of the stream."""
        self._listeners.append(listener)

    def ignore(self, listener: Callable[[], None]) -> None:
        self._listeners.remove(listener)

    def feed(self, records: bytes) -> None:
        """Process records of the stream (`api/nodes/live_wire.py`)."""
        if self.error is not None:
            return
        try:
            for fragment in self._records.feed(records):
                self.history.put(self._pictures.read(fragment))
                # Viewers are sent each picture before a keyframe replaces those before it.
                self._notify()
        except SightlineError as error:
            self.error = error
            self.history.clear()
            self._notify()

    def _notify(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def close(self) -> None:
        """Free the memory of the frames."""
        self.history.clear()
