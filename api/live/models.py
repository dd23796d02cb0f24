"""The messages of a live view, and the ticket for one."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.requests.answers import Answer
from api.requests.problems import Problem
from domain.errors import BadInput
from domain.media.live_detections import LiveDetection
from domain.media.packets import WallSource
from domain.stored_model import WallNs

StreamName = Literal["main", "sub"]
SwitchCause = Literal["viewer", "slow", "recovered"]
InitCause = Literal["start", "parameters"] | SwitchCause


class LiveTicket(Answer):
    """The URLs of live video of a camera for a player that sends no headers."""

    address: str = Field(description="the path of the WebSocket with its ticket")
    whep: str = Field(description="the path of WHEP with its ticket, for a WebRTC player")
    until: WallNs = Field(description="the time until which they can be opened")


class WhepState(Answer):
    """What the viewer of a WHEP session is sent, or why this site ended the session."""

    stream: StreamName
    is_reduced: bool = Field(
        description="whether it is the sub-stream because the path of the viewer is too narrow"
    )
    skipped: int = Field(description="pictures that were not sent: the viewer was too slow")
    at: WallNs = Field(description="the time of the site, with which a player corrects its clock")
    sound_problem: Problem | None = Field(
        default=None, description="why no sound is sent, if the viewer requested it"
    )
    problem: Problem | None = Field(default=None, description="why this site ended the session")


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


class LiveDetectionMessage(Answer):
    """What an analysed picture shows. It may arrive after its picture."""

    type: Literal["detections"] = "detections"
    picture_at: WallNs
    media_s: float = Field(description="the media time of the picture, if it was sent")
    items: tuple[LiveDetection, ...]


class LiveDetectionsStateMessage(Answer):
    """Whether detections are sent from now on."""

    type: Literal["detections_state"] = "detections_state"
    is_on: bool
    problem: Problem | None = Field(default=None, description="why they are not sent")


class LiveSoundInitMessage(Answer):
    """Announces the next binary message, which is the initialisation segment of the sound."""

    type: Literal["sound_init"] = "sound_init"
    mime: str
    codec: str
    starts_at_s: float = Field(description="the media time of the first sound")


class LiveSoundProblemMessage(Answer):
    """Why no sound is sent, or no more. The video continues."""

    type: Literal["sound_problem"] = "sound_problem"
    problem: Problem


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
