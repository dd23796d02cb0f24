"""Why a plate track produced no text, for a person who asks why a camera reads nothing. The
possible text is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.clock import NS_PER_HOUR

MAX_UNREAD = 8
"""The number of unread plates that are kept for each camera; `sightline_plates_unread_total` counts
all of them.
"""
MAX_UNREAD_AGE_NS = NS_PER_HOUR


class WhyUnread(StrEnum):
    # it was found in one frame only, as most false alarms are; it is counted and not listed
    SEEN_ONCE = "seen_once"
    SEEN_TOO_LITTLE = "seen_too_little"  # it was read in too few frames to be accepted
    # it keeps its place next to a plate that was read: other writing on the same vehicle
    WRITING = "writing"
    STILL = "still"  # it never moved by its width or grew: a sign or a burnt-in time
    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    NO_GRAMMAR = "no_grammar"  # no text in it follows the grammar of plates
    UNLIKE_A_PLATE = (
        "unlike_a_plate"  # the best text that the grammar allows matches the pictures poorly
    )
    UNSURE = "unsure"  # several plates are about equally likely


@dataclass(frozen=True, slots=True)
class Unread:
    """One track without a text. `width_px` is the width of the plate in its best picture, or 0 if
    it was seen once. `looks` is the number of frames in which it was found.
    """

    at_ns: int
    why: WhyUnread
    width_px: int
    looks: int
    is_event: bool
    """Whether it is an event without a text, because it passed the camera."""
