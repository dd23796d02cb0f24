"""A vehicle watch: a request to be notified of a plate, or of a pattern, until a date. There are no
watches of faces.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from domain.events.event import Event
from domain.events.misreadings import MatchKind
from domain.stored_model import StoredModel, WallNs, schema_field


class Ended(StrEnum):
    """Why a watch is no longer active."""

    NO = ""
    DELETED = "deleted"
    EXPIRED = "expired"


class Watch(StoredModel):
    """The record `state/watches/<id>/<version>.json`; the highest version is valid. An ended watch
    is kept and matches nothing.
    """

    id: str = Field(examples=["20261124-5f1c0a52"])
    plate: str = Field(description="a plate, or a pattern with ? and *")
    fuzzy: bool = Field(
        default=False, description="also what one likely misreading makes of the plate"
    )
    until: WallNs
    reason: str
    case: str
    placed_by: str
    placed_at: WallNs
    webhook: str = Field(
        default="", description="where matches are sent, in addition to the feed of matches"
    )
    secret: str = Field(
        default="", description="key that signs webhooks; returned once, when the watch is created"
    )
    ended: Ended = Ended.NO
    ended_by: str = ""
    ended_at: WallNs | None = None
    schema_: int = schema_field()

    def is_active_at(self, wall_ns: int) -> bool:
        return self.ended is Ended.NO and wall_ns < self.until


class WatchMatch(StoredModel):
    """A passing that matches a watch. If it is published again, it has the same id."""

    id: str = Field(description="of watch and event")
    watch: str
    plate: str = Field(description="the watch's plate or pattern")
    tie: MatchKind = Field(description="what ties the passing to the plate")
    why: str = Field(description="the same as a sentence")
    matched_at: WallNs
    event: Event
    case: str = ""
    owner: str = ""
    """The person who placed the watch; empty in a match of an earlier version."""


def match_id(watch_id: str, event_id: str) -> str:
    return f"{watch_id}.{event_id}"
