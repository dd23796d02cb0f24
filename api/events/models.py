"""The response models of events, as OpenAPI shows them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.events.unanalysed import UnanalysedView
from api.requests.answers import Answer
from api.requests.languages import Messages
from domain.events.event import Event
from domain.events.misreadings import Match, MatchKind
from domain.events.trusted_models import construct_trusted
from domain.messages.message import Message
from domain.stored_model import WallNs


class MatchView(Answer):
    """The relation between an event and the requested plate."""

    tie: MatchKind
    reason: str

    @classmethod
    def of(cls, match: Match) -> MatchView:
        return construct_trusted(cls, {"tie": match.kind, "reason": match.reason})


class EventView(Event):
    """An event, and where its pictures and its clip are.

    The record has an empty text or 0 for what is absent; the view has null.
    """

    # The fields whose types are ignored have other types than those of the record.
    direction: Literal["toward", "away", "left", "right"] | None = Field(  # type: ignore[assignment]
        description="direction of travel, as the camera sees it: toward it, away from it, to the "
        "picture's left or right; null: unknown",
    )
    lane: int | None = Field(  # type: ignore[assignment]
        description="number, from 1, of the registry's lane that it was seen best in; null: none",
    )
    late: bool = Field(
        description="whether it was found in the recording afterwards, because live analysis was "
        "overloaded or stopped at that time",
    )
    clip_missing: str | None = Field(  # type: ignore[assignment]
        description="why there will never be a clip; null otherwise"
    )
    snapshot: str = Field(description="path of the best frame (JPEG)")
    crop: str = Field(description="path of the plate or face cut out (JPEG)")
    clip: str = Field(description="path of the clip (MP4), there once `clip_ready`")

    @classmethod
    def of(cls, event: Event, messages: Messages = Message) -> EventView:
        """Return the view of an event. `messages` returns a message in the language of the client;
        without it, why there is no clip is in English.
        """
        missing = event.clip_missing
        path = f"/v1/events/{event.id}"
        return construct_trusted(
            cls,
            {
                **event.__dict__,
                "direction": event.direction or None,
                "lane": event.lane or None,
                "clip_missing": str(messages(Message.of(missing, {}))) if missing else None,
                "snapshot": f"{path}/snapshot",
                "crop": f"{path}/crop",
                "clip": f"{path}/clip",
            },
        )


class EventList(Answer):
    """One page of events."""

    items: list[EventView]
    next: str | None = Field(description="cursor of the next page; null on the last")
    matches: list[MatchView] = Field(
        default=[],
        description="with `fuzzy`: for each item, what ties it to the plate that was asked for",
    )
    archived: bool = Field(
        default=False,
        description="the slower archive was looked at too: there may be fewer items than `limit`, "
        "and more by `next`",
    )
    unanalysed: UnanalysedView | None = Field(
        default=None,
        description="the times in which the checkpoints of this search may have missed passings; "
        "null on the pages after the first",
    )


class FeedTicket(Answer):
    """A URL that needs no headers."""

    address: str = Field(description="path and query; filters and `after` may be added to it")
    until: WallNs = Field(description="it may be opened before this; what is open goes on")


class HistogramView(Answer):
    """The number of matching events over time."""

    from_: WallNs = Field(
        alias="from",
        description="where the first bucket begins: at `from` or, so that buckets are round, "
        "before it",
    )
    to: WallNs
    bucket_s: int
    counts: tuple[int, ...] = Field(
        description="one for each bucket, the oldest first; nothing before the `from` that was "
        "asked for"
    )
    total: int
    exact: bool = Field(
        description="false: estimated from a sample, since counting would have taken too long"
    )
    whole_from: WallNs | None = Field(
        description="events that began before this are counted incompletely: the archive was slow "
        "or unavailable"
    )
    unanalysed: UnanalysedView = Field(
        description="the times in which the checkpoints of this search may have missed passings"
    )


class CorrectionAsked(BaseModel):
    """A correction of an event's plate."""

    model_config = ConfigDict(extra="forbid")

    plate: str | None = Field(
        max_length=32,
        description="the whole plate, as typed in a search; null: take the correction back",
    )
    reason: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1, max_length=500, description="how the person knows; it stands in the audit log"
    )
    version: int = Field(
        strict=True,
        ge=0,
        description="`corrected.version` of the event as the person saw it; 0 where it had none",
    )
