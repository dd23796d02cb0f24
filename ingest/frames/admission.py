"""The protocol that decides under overload which groups of pictures of a camera are decoded.

The decode gate asks it in the thread that pulls the camera. No method waits, blocks or raises.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol


class NotDecoded(StrEnum):
    """Why a group of pictures was not decoded."""

    STILL = "still"
    """The sizes of its packets showed no motion, and the worker was behind."""
    OVERLOAD = "overload"
    """The sizes of its packets showed motion, or hide it, and the worker was behind."""
    SETTLED = "settled"
    """Everything in view before had been read with certainty, and the worker was behind."""


class GroupWork(NamedTuple):
    """How much of a group of pictures is to be decoded if it is admitted."""

    held_packets: int
    coming_packets: int
    """As many as the group before had after so many."""
    coming_s: float
    """The time in which these will arrive."""


class Admission(Protocol):
    """Decides for one camera, and receives what was not decoded."""

    @property
    def is_behind(self) -> bool:
        """Whether the worker is behind, so that only groups with motion are decoded."""

    def admits(self, group: GroupWork, /) -> bool:
        """Return whether a group with motion is decoded. Each call is about another one."""

    def on_not_decoded(self, from_ns: int, to_ns: int, packets: int, why: NotDecoded, /) -> None:
        """Report that the packets of [from_ns, to_ns) were not decoded. These are wall times."""


class AdmitAll:
    """The admission of a camera that shares its worker with no other."""

    is_behind = False

    def admits(self, group: GroupWork, /) -> bool:
        return True

    def on_not_decoded(self, from_ns: int, to_ns: int, packets: int, why: NotDecoded, /) -> None:
        """Ignore the report, which is never made because `is_behind` is always False."""
