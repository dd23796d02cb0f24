"""The interface between a camera's worker and analytics, which the composition root joins."""

from __future__ import annotations

from typing import Protocol

from domain.events.event import Passing
from domain.media.live_detections import LiveDetection
from domain.media.packets import Frame
from domain.unread_reasons import Unread


class Analyser(Protocol):
    """Turns the frames of one camera into passings. It is not thread-safe: one thread calls it."""

    def analyse(self, frame: Frame) -> list[Passing]:
        """Analyse one frame, and return the passings that it ended. Frames arrive in the order of
        `wall_ns`.
        """

    def idle(self, wall_ns: int, until_ns: int | None = None) -> list[Passing]:
        """Return the passings that ended by `wall_ns` because no frame arrived.

        `until_ns` is the time of frames that may still arrive, after which nothing has ended yet.
        What was read and not shown by a frame for a while is returned too. If such a frame shows it
        after all, it is returned again later.
        """

    def in_view(self) -> bool:
        """Return whether a track is open, so that the next frames must be analysed."""

    def settled(self) -> frozenset[str]:
        """Return the ids of all that is in view if no further frame would change their events: each
        plate was read with certainty. It is empty if anything in view is not settled, or nothing is
        in view.
        """

    def publish_settled(self, ids: frozenset[str]) -> list[Passing]:
        """Return those of these passings of `settled` that are not published as they are now."""

    def stands(self) -> bool:
        """Return whether a vehicle stands in view for over a minute, and may hide others."""

    def drafts(self) -> list[Passing]:
        """Return the current state of the passings that are still in view, to be stored in case
        this process dies. They have the ids of the final passings.
        """

    def detections(self, wall_ns: int) -> list[LiveDetection]:
        """Return what the frame of this time shows, after `analyse` of it. It computes nothing that
        the analysis does not need.
        """

    def unread(self) -> tuple[Unread, ...]:
        """Return the last plates without a text, the newest last. Any thread may call it."""

    def resume(self, recent: list[Passing]) -> None:
        """Continue the passings that the previous process saw last: a track that continues one of
        them gets its id.
        """

    def close(self) -> list[Passing]:
        """End all tracks because the stream is over, and return their passings."""
