"""The response models of cameras, coverage and playlists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.requests.answers import Answer
from api.requests.languages import MESSAGE_OF_DETAIL, Messages
from domain.camera_states import CAUSES, CameraState, CameraStatus, Shed, Why
from domain.events.event import Location
from domain.messages.message import Message
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.partly_analysed import AnalysisCoverage, PartlyCause, summary
from domain.registry import Camera
from domain.registry.model import Checkpoint, RecordMode
from domain.stored_model import WallNs
from domain.unread_reasons import Unread, WhyUnread
from storage.recordings.coverage import Coverage, CoverageRequest, Where


class UnreadView(Answer):
    """A plate track that produced no text.

    Only its event has its possible texts and its pictures.
    """

    at: WallNs
    why: WhyUnread
    width_px: int = Field(
        description="width of the plate in its best frame; 45 and more pixels can be read"
    )
    looks: int = Field(description="in how many frames it was detected")
    is_event: bool = Field(description="it passed the camera, so it is an event without a text")

    @classmethod
    def of(cls, one: Unread) -> UnreadView:
        return cls(
            at=one.at_ns, why=one.why, width_px=one.width_px, looks=one.looks, is_event=one.is_event
        )


class CameraView(Answer):
    """A camera: its registry entry without credentials, and its last reported state."""

    id: str
    name: str
    class_: Literal["A", "B", "C"] = Field(alias="class")
    area: str
    area_name: str
    location: Location
    url: str = Field(description="host, port and path; never credentials or a query")
    transport: Literal["tcp", "udp"]
    checkpoint: tuple[Checkpoint, ...]
    record: RecordMode
    retention_days: int
    enabled: bool
    state: CameraState
    live: bool = Field(
        description="it delivers changing pictures that can be recorded: `live`, and `clock_wrong`"
    )
    since: WallNs | None = Field(description="when it entered this state")
    last_error: str | None = Field(
        description="a sentence; it stays after the camera is well again"
    )
    last_error_message: Message | None = Field(
        description="`last_error` as a template and its parts"
    )
    last_error_at: WallNs | None
    why: Why | None = Field(description="the kind of the fault in `last_error`")
    cause: str | None = Field(
        description="what is wrong and what to do, by `why`, in the language of the client"
    )
    last_frame_at: WallNs | None
    codec: str | None
    width_px: int | None
    height_px: int | None
    fps: float
    bitrate_bps: int
    wall_source: str | None = Field(
        description="whose clock its times are by: `sender` or `receiver`"
    )
    clock_skew_ms: int | None = Field(
        description="the camera's clock less the node's, by its sender reports; null without "
        "reports"
    )
    recorded_until: WallNs | None
    reconnects: int
    lost_packets: int
    shed: Shed | None = Field(description="what of it is given up under pressure; null: nothing")
    over_limit: bool = Field(
        description="it sent more than its `max_bitrate_kbps` over the last minute"
    )
    analysis_stopped_since: WallNs | None = Field(
        description="since when the analysis of the checkpoint does not respond or fails, so its "
        "passings are missed; null if it works"
    )
    models_loading_since: WallNs | None = Field(
        description="since when packets of the checkpoint wait until its models are loaded, so "
        "its passings are missed; null if none do, or for less than 10 s"
    )
    unread: tuple[UnreadView, ...] = Field(
        description="the last plates that gave no text, at most 8 of the last hour, the newest last"
    )
    node: str | None = Field(description="the node that holds it; null where none has reported it")
    left_registry_at: WallNs | None = Field(
        None,
        description="since when the registry has it no more; null where it does. Its recordings "
        "can be read as before",
    )

    @classmethod
    def of(
        cls,
        camera: Camera,
        area_name: str,
        status: CameraStatus | None,
        messages: Callable[[Message], Message],
    ) -> CameraView:
        """`messages` returns a message in the language of the client."""
        known = status or CameraStatus(camera.id, CameraState.UNKNOWN, 0)
        last_error = messages(Message(known.last_error)) if known.last_error else None
        return cls(
            id=camera.id,
            name=camera.name,
            class_=camera.class_,
            area=camera.area,
            area_name=area_name,
            location=camera.location,
            url=_bare(camera.url),
            transport=camera.transport,
            checkpoint=camera.checkpoint,
            record=camera.record,
            retention_days=camera.retention_days,
            enabled=camera.enabled,
            state=known.state,
            live=known.state.is_live,
            since=known.since_ns or None,
            last_error=last_error,
            last_error_message=last_error,
            last_error_at=known.last_error_ns or None,
            why=known.why or None,
            cause=str(messages(CAUSES[known.why])) if known.why else None,
            last_frame_at=known.last_packet_wall_ns or None,
            codec=known.codec or None,
            width_px=known.width_px or None,
            height_px=known.height_px or None,
            fps=known.fps,
            bitrate_bps=known.bitrate_bps,
            wall_source=known.wall_source or None,
            clock_skew_ms=known.clock_skew_ms,
            recorded_until=known.recorded_until_ns or None,
            reconnects=known.reconnects,
            lost_packets=known.lost_packets,
            shed=known.shed or None,
            over_limit=known.over_limit,
            analysis_stopped_since=known.analysis_stopped_ns or None,
            models_loading_since=known.models_loading_ns or None,
            unread=tuple(UnreadView.of(one) for one in known.unread),
            node=known.node or None,
        )


def _bare(url: str) -> str:
    """Remove user name, password and query; some cameras have a password in the query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class CameraList(Answer):
    """One page of cameras."""

    items: list[CameraView]
    next: str | None = Field(description="cursor of the next page; null on the last")


class RecordedView(Answer):
    """A recorded part of a range."""

    from_: WallNs = Field(alias="from")
    to: WallNs
    where: Where = Field(
        description="`local`: on a node's disk; `objects`: in the object store; or `both`"
    )


class GapView(Answer):
    """A part that is not recorded, with its cause."""

    from_: WallNs = Field(alias="from")
    to: WallNs
    cause: GapCause
    detail: str = Field(description="a sentence for people; may be empty")
    message: Message = Field(description=MESSAGE_OF_DETAIL)
    since: WallNs = Field(description="since when this cause holds, which may be before the range")
    ongoing: bool = Field(description="it lasts until now, and goes on")

    @classmethod
    def of(cls, gap: Gap, now_ns: int, messages: Messages) -> GapView:
        """Return the view of a gap. `messages` returns a message in the language of the client."""
        detail = messages(Message(gap.detail))
        return cls(
            from_=gap.start_ns,
            to=gap.end_ns,
            cause=gap.cause,
            detail=str(detail),
            message=detail,
            since=gap.since_ns or gap.start_ns,
            ongoing=gap.end_ns >= now_ns,
        )


MOST_ANALYSED_RANGES = 1_000


class PartlyAnalysedView(Answer):
    """A part in which passings may be missing, with the cause."""

    from_: WallNs = Field(alias="from")
    to: WallNs
    cause: PartlyCause


class AnalysedRangeView(Answer):
    """A part in which what passed would have been found."""

    from_: WallNs = Field(alias="from")
    to: WallNs


class AnalysedView(Answer):
    """When a checkpoint was analysed. Both lists together cover the range, except for the last
    seconds.
    """

    complete: list[AnalysedRangeView] = Field(
        description="what passed here, and is not found, was not there or could not be read"
    )
    partly: list[PartlyAnalysedView] = Field(description="what passed here may be missing")
    is_summary: bool = Field(
        description="there are more ranges than an answer holds: close ones are joined in `partly`"
    )

    @classmethod
    def of(cls, coverage: AnalysisCoverage) -> AnalysedView:
        short = summary(coverage, MOST_ANALYSED_RANGES)
        return cls(
            complete=[
                AnalysedRangeView(from_=one.start_ns, to=one.end_ns) for one in short.analysed
            ],
            partly=[
                PartlyAnalysedView(from_=one.start_ns, to=one.end_ns, cause=one.cause)
                for one in short.partly
            ],
            is_summary=short is not coverage,
        )


class CoverageView(Answer):
    """The recorded parts and the gaps of a range, which together cover it up to now."""

    camera: str
    from_: WallNs = Field(alias="from")
    to: WallNs
    recorded: list[RecordedView]
    gaps: list[GapView]
    offline: list[str] = Field(
        description="nodes, or `objects` for the object store, that may have more and do not answer"
    )
    analysed: AnalysedView | None = Field(
        description="when passings would have been found; null for a camera that is no checkpoint"
    )

    @classmethod
    def of(
        cls,
        request: CoverageRequest,
        account: Coverage,
        offline: Sequence[str],
        analysis: AnalysisCoverage | None,
        now_ns: int,
        messages: Messages,
    ) -> CoverageView:
        recorded = [
            RecordedView(from_=part.start_ns, to=part.end_ns, where=part.where)
            for part in account.recorded
        ]
        gaps = [GapView.of(gap, now_ns, messages) for gap in account.gaps]
        return cls(
            camera=request.camera_id,
            from_=request.from_ns,
            to=request.to_ns,
            recorded=recorded,
            gaps=gaps,
            offline=list(offline),
            analysed=None if analysis is None else AnalysedView.of(analysis),
        )


class PlaylistPart(Answer):
    """One segment of a playlist."""

    from_: WallNs = Field(alias="from")
    to: WallNs
    at_s: float = Field(description="where it begins on the player's time")
    codec: str = Field(description="two parts of the same can be played without another head")
    mime: str = Field(description="what it holds, as a browser's `addSourceBuffer` wants it")
    head: str = Field(description="address of what a player is given first")
    media: str = Field(
        description="address of its pictures and sound, their times moved to the player's"
    )
    size_bytes: int


class PlaylistView(Answer):
    """A playlist of a range. Its URLs work without headers for a limited time."""

    camera: str
    from_: WallNs = Field(alias="from")
    to: WallNs
    zero: WallNs = Field(
        description="the moment that is the player's time 0: `from`, or where the first segment "
        "begins before it"
    )
    hls: str = Field(description="address of the same as HLS")
    segments: list[PlaylistPart]
    gaps: list[GapView]
    offline: list[str] = Field(
        description="nodes, or `objects` for the object store, that may have more and do not answer"
    )


class RecordingTicket(Answer):
    """The URL of a recording, which needs no headers."""

    address: str = Field(description="path and query of the MP4 file, with its ticket")
    until: WallNs = Field(description="the time until which it can be requested")


class TriggerAsked(BaseModel):
    """The body of a trigger request."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1,
        max_length=500,
        description="why the recording is kept; it stands in the audit log",
    )
    duration_s: float = Field(
        60.0,
        ge=1,
        le=21_600,
        strict=True,
        description="how long it is recorded from now, in seconds",
    )


class TriggerView(Answer):
    """A trigger as the camera's node stored it."""

    camera: str
    from_: WallNs = Field(alias="from")
    to: WallNs
    reason: str
