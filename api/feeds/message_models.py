"""The models of the messages of the feeds, other than events and matches.

`api/feeds/stream.py` writes these messages without pydantic, because of their number; a test
compares what it writes with these models.
"""

from __future__ import annotations

from pydantic import ConfigDict, Field

from api.events.models import EventView
from api.feeds.watch_models import WatchMatchView
from api.requests.answers import Answer
from domain.events.event import Kind
from domain.stored_model import WallNs


class _Message(Answer):
    model_config = ConfigDict(extra="forbid")


class FeedEventMessage(_Message):
    """The message `event`: an event that was indexed or has changed."""

    arrival: int = Field(description="the number to resume from")
    version: int = Field(description="higher in a later form of the same event")
    event: EventView


class FeedMatchMessage(_Message):
    """The message `match`: a passing that matches a watch."""

    arrival: int = Field(description="the number to resume from")
    match: WatchMatchView


class _Range(_Message):
    from_: int = Field(alias="from", description="after this arrival number")
    to: int = Field(description="up to this arrival number")
    from_at: WallNs
    to_at: WallNs


class FeedSummaryMessage(_Range):
    """The message `summary`: arrivals that were omitted because the client reads too slowly."""

    left_out: int
    by_kind: dict[Kind, int]


class FeedGapMessage(_Range):
    """The message `gap`: arrivals of this range are no longer known."""


class FeedStatusMessage(_Message):
    """The message `status`: whether the feed follows the index."""

    live: bool
    arrival: int = Field(description="the number to resume from")
