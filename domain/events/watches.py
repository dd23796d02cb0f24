"""A vehicle watch: somebody is to be told of a plate, or of what fits a pattern, until a date.
Of vehicles only; never of faces.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from domain.events.event import Event
from domain.events.misreadings import Tie
from domain.stored_model import StoredModel, WallNs, schema_field


class Ended(StrEnum):
    """Why a watch stands no more."""

    NO = ""
    DELETED = "deleted"
    EXPIRED = "expired"


class Watch(StoredModel):
    """As `state/watches/<id>/<version>.json` has it; the highest version stands. An ended watch
    is kept, and finds nothing.
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
        default="", description="where matches are sent to, besides the feed of matches"
    )
    secret: str = Field(
        default="", description="what webhooks are signed with; told once, when the watch is placed"
    )
    ended: Ended = Ended.NO
    ended_by: str = ""
    ended_at: WallNs | None = None
    schema_: int = schema_field()

    def stands_at(self, wall_ns: int) -> bool:
        return self.ended is Ended.NO and wall_ns < self.until


class WatchMatch(StoredModel):
    """A passing that a watch asked for. Told again, it has the same id."""

    id: str = Field(description="of watch and event")
    watch: str
    plate: str = Field(description="the watch's plate or pattern")
    tie: Tie = Field(description="what ties the passing to the plate")
    why: str = Field(description="the same as a sentence")
    matched_at: WallNs
    event: Event
    case: str = ""


def match_id(watch_id: str, event_id: str) -> str:
    return f"{watch_id}.{event_id}"
