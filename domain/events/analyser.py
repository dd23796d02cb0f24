"""How the rooms meet: the small interfaces that the composer joins. Nothing here does work."""

from __future__ import annotations

from typing import Protocol

from domain.events.event import Passing
from domain.media.packets import Frame
from domain.unread_reasons import Unread


class Analyser(Protocol):
    """Makes passings of one camera's frames. Not thread-safe: one thread a camera calls it."""

    def look(self, frame: Frame) -> list[Passing]:
        """Look at one frame; the passings that it ended. Frames come in the order of `wall_ns`."""

    def idle(self, wall_ns: int) -> list[Passing]:
        """No frame came, and it is `wall_ns` now: the passings that time alone has ended."""

    def in_view(self) -> bool:
        """Whether something is followed, which the next frames are needed for."""

    def drafts(self) -> list[Passing]:
        """The passings still in view as they stand, to be kept should this process die: the ids
        that their ends will have.
        """

    def unread(self) -> tuple[Unread, ...]:
        """The last few plates that gave no text, the newest last. May be called from any thread."""

    def resume(self, recent: list[Passing]) -> None:
        """Passings that a process before this one saw last: a track that continues one of them
        takes its id.
        """

    def close(self) -> list[Passing]:
        """The stream is over: all passings still in view, as they stand."""
