"""The request and response models of watches, and the body of their webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.events.models import EventView
from api.feeds.webhook_address import shown_address
from api.requests.answers import Answer
from api.requests.bodies import PartlyHiddenBody
from api.requests.times import BodyMoment
from domain.events.misreadings import MatchKind
from domain.events.watches import Watch, WatchMatch
from domain.stored_model import WallNs
from storage.site.watch_matches import Delivery

Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class WatchAsked(PartlyHiddenBody):
    """The body of a request for a watch."""

    model_config = ConfigDict(extra="forbid")

    plate: str = Field(
        min_length=1,
        max_length=32,
        description="a plate, or a pattern with ? and *",
        examples=["鄂C?12*K"],
    )
    fuzzy: bool = Field(
        False,
        strict=True,
        description="with a whole plate: also what one likely misreading makes of it",
    )
    until: BodyMoment = Field(description="when the watch ends by itself")
    reason: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1, max_length=500, description="why; it stands in the audit log"
    )
    case: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1, max_length=500, description="the case that it belongs to"
    )
    webhook: str | None = Field(
        None,
        repr=False,
        max_length=2000,
        description="where matches are sent to as well, in the site's allowed networks",
    )
    secret: str | None = Field(
        None,
        repr=False,
        pattern=r"^([!-~]{16,200})?$",
        description="what webhooks are signed with; drawn where it is left out",
    )

    @property
    def shown_terms(self) -> dict[str, str]:
        """The origin of the webhook and the SHA-256 of its URL, whose path may have a password."""
        return {"webhook": shown_address(self.webhook)} if self.webhook else {}


class WatchChange(BaseModel):
    """The body of a request to change when a watch ends."""

    model_config = ConfigDict(extra="forbid")

    until: BodyMoment = Field(description="when the watch ends by itself")
    reason: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1, max_length=500, description="why; it is in the audit log"
    )


class WatchView(Answer):
    """A watch without the secret of its webhooks."""

    id: str
    plate: str
    fuzzy: bool
    until: WallNs
    reason: str
    case: str
    placed_by: str
    placed_at: WallNs
    webhook: str | None
    ended: Literal["deleted", "expired"] | None = Field(description="null while it is active")
    ended_by: str | None
    ended_at: WallNs | None

    @classmethod
    def of(cls, watch: Watch) -> WatchView:
        fields = {name: getattr(watch, name) for name in WatchView.model_fields}
        absent = {name: None for name in ("webhook", "ended", "ended_by") if not fields[name]}
        return cls(**fields | absent)


class WatchPlaced(WatchView):
    """A new watch, with the secret of its webhooks."""

    secret: str | None = Field(
        description="the key that signs its webhooks, returned only once; null without a webhook"
    )


class DeadWebhook(Answer):
    """A webhook that is no longer retried."""

    match: str
    event: str
    tries: int
    last_error: str


class WatchDetail(WatchView):
    """A watch with its failed webhooks."""

    dead: list[DeadWebhook] = Field(
        description="webhooks that are no longer retried, the newest first"
    )

    @classmethod
    def with_dead(cls, watch: Watch, dead: Sequence[Delivery]) -> WatchDetail:
        webhooks = [
            DeadWebhook(
                match=one.match.id,
                event=one.match.event.id,
                tries=one.tries,
                last_error=one.last_error,
            )
            for one in dead
        ]
        return cls(**WatchView.of(watch).model_dump(), dead=webhooks)


class WatchList(Answer):
    """One page of watches."""

    items: list[WatchView] = Field(description="the newest first")
    next: str | None = Field(description="cursor of the next page; null on the last")


class WatchMatchView(Answer):
    """An event that matches a watch."""

    id: str = Field(description="identifies watch and event; a repeated match has the same id")
    watch: str
    plate: str = Field(description="the watch's plate or pattern")
    tie: MatchKind
    why: str
    case: str
    matched_at: WallNs
    event: EventView

    @classmethod
    def of(cls, match: WatchMatch) -> WatchMatchView:
        own = {
            name: getattr(match, name) for name in WatchMatchView.model_fields if name != "event"
        }
        return cls.model_construct(**own, event=EventView.of(match.event))
