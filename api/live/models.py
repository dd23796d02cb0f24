"""The messages of a live view, and the ticket for one."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.requests.answers import Answer
from api.requests.problems import Problem
from domain.errors import BadInput
from domain.media.packets import WallSource
from domain.stored_model import WallNs

StreamName = Literal["main", "sub"]
SwitchCause = Literal["viewer", "slow"]
InitCause = Literal["start", "parameters"] | SwitchCause


class LiveTicket(Answer):
    """The URL of a live view for a browser, which sends no headers with a handshake."""

    address: str = Field(description="the path of the WebSocket with its ticket")
    until: WallNs = Field(description="the time until which it can be opened")


class LiveInitMessage(Answer):
    """Announces the next binary message, which is an initialisation segment."""

    type: Literal["init"] = "init"
    camera: str
    stream: StreamName
    cause: InitCause
    mime: str
    codec: str
    width_px: int
    height_px: int
    starts_at_s: float
    wall_source: WallSource


class LiveTimingMessage(Answer):
    """The newest picture that was sent, once a second."""

    type: Literal["timing"] = "timing"
    picture_at: WallNs
    media_s: float
    delay_ms: int
    wall_source: WallSource


class LiveSkippedMessage(Answer):
    """The viewer was too slow: pictures up to a keyframe were not sent."""

    type: Literal["skipped"] = "skipped"
    fragments: int
    stream: StreamName


class LiveProblemMessage(Answer):
    """Why the view ends, or, for another `stream`, why the view stays with the present one."""

    type: Literal["problem"] = "problem"
    stream: StreamName
    is_last: bool
    problem: Problem


class LiveRequest(BaseModel):
    """A client's message: the stream that it wants from the next keyframe on."""

    model_config = ConfigDict(extra="forbid")

    stream: StreamName


def read_request(text: str) -> LiveRequest:
    """Parse the message of a client. Raises BadInput."""
    try:
        return LiveRequest.model_validate_json(text)
    except ValidationError as error:
        raise BadInput(
            'a message of a client is {"stream": "main"} or {"stream": "sub"}'
        ) from error
