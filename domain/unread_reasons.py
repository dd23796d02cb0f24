"""Why something that was followed as a plate gave no text, for whoever asks why a camera reads
nothing. What it may say is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.clock import NS_PER_HOUR

KEPT = 8
"""Of each camera; counts (`sightline_plates_unread_total`) are of all."""
KEPT_NS = NS_PER_HOUR


class WhyUnread(StrEnum):
    SEEN_ONCE = "seen_once"  # at one look only: most false alarms; counted, and not told one by one
    SEEN_TOO_LITTLE = "seen_too_little"  # it was read, and at too few looks to be believed
    # it keeps its place beside a plate that was read: something else written on the same vehicle
    WRITING = "writing"
    STILL = (
        "still"  # it never moved by its own width and never grew: a sign, a poster, a burnt-in time
    )
    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    NO_GRAMMAR = "no_grammar"  # nothing was found in it that the grammar of plates allows
    UNLIKE_A_PLATE = (
        "unlike_a_plate"  # the best text that the grammar allows looks little like the pictures
    )
    UNSURE = "unsure"  # several plates are about as likely


@dataclass(frozen=True, slots=True)
class Unread:
    """One track. `width_px` is the plate's in its best picture, 0 where it was seen once;
    `looks` how often it was found.
    """

    at_ns: int
    why: WhyUnread
    width_px: int
    looks: int
    is_event: bool
    """It is an event all the same, without a text: it went by."""
