"""The answers of the API as types: what OpenAPI shows and what every route promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.alarms import Alarm
from domain.events import Event, Location, WallNs
from domain.gaps import Gap, GapCause
from domain.holds import Hold
from domain.journeys import Leg
from domain.made import made
from domain.misreadings import Match, Tie
from domain.nearby import NearCamera
from domain.people import RIGHTS, Person, Right, Role
from domain.registry import Camera
from domain.registry.model import Checkpoint, RecordMode
from domain.states import CameraState, CameraStatus, Shed, Why
from domain.unread import Unread, WhyUnread
from storage.account import Account, Asked, Where


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class MatchView(_Answer):
    """What ties an event to the plate that was asked for."""

    tie: Tie
    reason: str

    @classmethod
    def of(cls, match: Match) -> MatchView:
        return made(cls, {"tie": match.tie, "reason": match.reason})


class EventView(Event):
    """An event, and where its pictures and its clip are."""

    snapshot: str = Field(description="path of the best frame (JPEG)")
    crop: str = Field(description="path of the plate or face cut out (JPEG)")
    clip: str = Field(description="path of the clip (MP4), there once `clip_ready`")

    @classmethod
    def of(cls, event: Event) -> EventView:
        path = f"/v1/events/{event.id}"
        return made(cls, {**event.__dict__, "snapshot": f"{path}/snapshot", "crop": f"{path}/crop", "clip": f"{path}/clip"})


class EventList(_Answer):
    items: list[EventView]
    next: str | None = Field(description="cursor of the next page; null on the last")
    matches: list[MatchView] = Field(default=[], description="with `fuzzy`: for each item, what ties it to the plate that was asked for")
    archived: bool = Field(
        default=False, description="the slower archive was looked at too: there may be fewer items than `limit`, and more by `next`"
    )


class FeedTicket(_Answer):
    """An address that needs no headers."""

    address: str = Field(description="path and query; filters and `after` may be added to it")
    until: WallNs = Field(description="it may be opened before this; what is open goes on")


class HistogramView(_Answer):
    """How many events match, over time."""

    from_: WallNs = Field(alias="from", description="where the first bucket begins: at `from` or, so that buckets are round, before it")
    to: WallNs
    bucket_s: int
    counts: tuple[int, ...] = Field(description="one for each bucket, the oldest first; nothing before the `from` that was asked for")
    total: int
    exact: bool = Field(description="false: estimated from a sample, since counting would have taken too long")
    whole_from: WallNs | None = Field(description="not all that began before this was counted: the archive took long, or is out of reach")


class UnreadView(_Answer):
    """Something that was followed as a plate and gave no text. What it may have said, and its pictures, are with its event alone."""

    at: WallNs
    why: WhyUnread
    width_px: int = Field(description="of the plate in its best picture, in pixels of the camera's; 45 and more can be read")
    looks: int = Field(description="how often it was found")
    is_event: bool = Field(description="it went by, so it is an event without a text")

    @classmethod
    def of(cls, one: Unread) -> UnreadView:
        return cls(at=one.at_ns, why=one.why, width_px=one.width_px, looks=one.looks, is_event=one.is_event)


class CameraView(_Answer):
    """A camera: its registry entry without credentials, and its state as its node last reported it."""

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
    live: bool = Field(description="pictures come that change and can be recorded: `live`, and `clock_wrong`")
    since: WallNs | None = Field(description="when it came into this state")
    last_error: str = Field(description="a sentence; it stays after the camera is well again")
    last_error_at: WallNs | None
    why: Why = Field(description="what kind of fault `last_error` tells of; empty where there was none")
    last_frame_at: WallNs | None
    codec: str
    width_px: int
    height_px: int
    fps: float
    bitrate_bps: int
    wall_source: str = Field(description="whose clock its times are by: `sender` or `receiver`")
    clock_skew_ms: int | None = Field(description="the camera's clock less the node's, by its sender reports; null without reports")
    recorded_until: WallNs | None
    reconnects: int
    lost_packets: int
    shed: Shed = Field(description="what of it is given up under pressure; empty: nothing")
    over_limit: bool = Field(description="it sent more than its `max_bitrate_kbps` over the last minute")
    unread: tuple[UnreadView, ...] = Field(description="the last plates that gave no text, at most 8 of the last hour, the newest last")
    node: str = Field(description="the node that holds it; empty where none has reported it")

    @classmethod
    def of(cls, camera: Camera, area_name: str, status: CameraStatus | None) -> CameraView:
        known = status or CameraStatus(camera.id, CameraState.UNKNOWN, 0)
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
            last_error=known.last_error,
            last_error_at=known.last_error_ns or None,
            why=known.why,
            last_frame_at=known.last_packet_wall_ns or None,
            codec=known.codec,
            width_px=known.width_px,
            height_px=known.height_px,
            fps=known.fps,
            bitrate_bps=known.bitrate_bps,
            wall_source=known.wall_source,
            clock_skew_ms=known.clock_skew_ms,
            recorded_until=known.recorded_until_ns or None,
            reconnects=known.reconnects,
            lost_packets=known.lost_packets,
            shed=known.shed,
            over_limit=known.over_limit,
            unread=tuple(UnreadView.of(one) for one in known.unread),
            node=known.node,
        )


def _bare(url: str) -> str:
    """Without user name, password and query: some cameras take a password there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class CameraList(_Answer):
    items: list[CameraView]
    next: str | None = Field(description="cursor of the next page; null on the last")


class NearCameraView(_Answer):
    """A camera near the way, by distance alone."""

    id: str
    name: str
    distance_m: float = Field(description="in a straight line from the sighting before it")

    @classmethod
    def of(cls, near: NearCamera) -> NearCameraView:
        return made(cls, {"id": near.camera.id, "name": near.camera.name, "distance_m": near.distance_m})


class LegView(_Answer):
    """From one sighting to the next."""

    from_event: str
    to_event: str
    from_camera: str
    to_camera: str
    distance_m: float = Field(description="in a straight line")
    seconds: float = Field(description="between the best frames; below zero where the cameras' clocks disagree")
    speed_kmh: float | None = Field(description="at least; null where no time passed")
    impossible: bool = Field(description="no vehicle could: a cloned plate, or a misreading")
    passed: list[NearCameraView] = Field(description="cameras that the vehicle probably passed, in the order of the way")

    @classmethod
    def of(cls, leg: Leg, passed: list[NearCameraView]) -> LegView:
        return made(cls, {**{name: getattr(leg, name) for name in _LEG}, "passed": passed})


_LEG = [name for name in LegView.model_fields if name != "passed"]


class Journey(_Answer):
    plate: str
    from_: WallNs = Field(alias="from")
    to: WallNs
    sightings: list[EventView] = Field(description="oldest first")
    matches: list[MatchView] = Field(description="with `fuzzy`: for each sighting, what ties it to the plate")
    legs: list[LegView] = Field(description="one fewer than the sightings; on a later page the first comes from the page before")
    expected: list[NearCameraView] = Field(
        description="after the last sighting of the last page: the cameras nearest, which should see it next"
    )
    truncated: bool = Field(description="there are more sightings after the last; `next` goes on")
    likely_truncated: bool = Field(
        description="there were more likely misreadings of this page's time than were looked at; ask for less time"
    )
    next: str | None = Field(description="cursor of the next page; null on the last")


class ImpossibleView(_Answer):
    """A leg that no vehicle could drive."""

    plate: str
    sightings: list[EventView] = Field(description="both ends, the earlier first")
    leg: LegView


class ImpossibleList(_Answer):
    items: list[ImpossibleView] = Field(description="those that ended last first")
    next: str | None = Field(description="cursor of the next page; null on the last")
    exact: bool = Field(description="false: hours were left to be looked at, or had more than are noted; ask again, or for less")
    unlooked_hours: int = Field(description="hours of the range that are not looked at yet")


class CorrectionAsked(BaseModel):
    """What a person says that an event's plate is."""

    model_config = ConfigDict(extra="forbid")

    plate: str | None = Field(max_length=32, description="the whole plate, as typed in a search; null: take the correction back")
    reason: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1, max_length=500, description="how the person knows; it stands in the audit log"
    )
    version: int = Field(ge=0, description="`corrected.version` of the event as the person saw it; 0 where it had none")


class HoldAsked(BaseModel):
    """What is to be held: a camera's range, or an event."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    camera: str | None = Field(None, max_length=64)
    from_: WallNs | None = Field(None, alias="from")
    to: WallNs | None = None
    event: str | None = Field(None, max_length=26, description="an event's id, in place of camera and range")
    reason: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(min_length=1, max_length=500, description="why it is held")
    until: WallNs | None = Field(None, description="when it ends by itself; null: when somebody releases it")


class HoldList(_Answer):
    items: list[Hold]


class AlarmList(_Answer):
    items: list[Alarm] = Field(description="the oldest first; empty while all is well")


class TriggerAsked(BaseModel):
    """What a trigger says."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1, max_length=500, description="why the recording is kept; it stands in the audit log"
    )
    duration_s: float = Field(60.0, ge=1, le=21_600, description="how long it is recorded from now, in seconds")


class TriggerView(_Answer):
    """A trigger, as it is on the disk of the camera's node."""

    camera: str
    from_: WallNs = Field(alias="from")
    to: WallNs
    reason: str


class RecordedView(_Answer):
    from_: WallNs = Field(alias="from")
    to: WallNs
    where: Where = Field(description="`local`: on a node's disk; `objects`: in the object store; or `both`")


class GapView(_Answer):
    """A part that is not recorded, and why."""

    from_: WallNs = Field(alias="from")
    to: WallNs
    cause: GapCause
    detail: str = Field(description="a sentence for people; may be empty")
    since: WallNs = Field(description="since when this cause holds, which may be before the range")
    ongoing: bool = Field(description="it lasts until now, and goes on")

    @classmethod
    def of(cls, gap: Gap, now_ns: int) -> GapView:
        return cls(
            from_=gap.start_ns,
            to=gap.end_ns,
            cause=gap.cause,
            detail=gap.detail,
            since=gap.since_ns or gap.start_ns,
            ongoing=gap.end_ns >= now_ns,
        )


class CoverageView(_Answer):
    """Every moment of a camera's time, up to now: recorded, or missing with its cause."""

    camera: str
    from_: WallNs = Field(alias="from")
    to: WallNs
    recorded: list[RecordedView]
    gaps: list[GapView]
    offline: list[str] = Field(description="nodes, or `objects` for the object store, that may have more and do not answer")

    @classmethod
    def of(cls, asked: Asked, account: Account, offline: Sequence[str], now_ns: int) -> CoverageView:
        recorded = [RecordedView(from_=part.start_ns, to=part.end_ns, where=part.where) for part in account.recorded]
        gaps = [GapView.of(gap, now_ns) for gap in account.gaps]
        return cls(camera=asked.camera_id, from_=asked.from_ns, to=asked.to_ns, recorded=recorded, gaps=gaps, offline=list(offline))


class PlaylistPart(_Answer):
    """One segment."""

    from_: WallNs = Field(alias="from")
    to: WallNs
    at_s: float = Field(description="where it begins on the player's time")
    codec: str = Field(description="two parts of the same can be played without another head")
    mime: str = Field(description="what it holds, as a browser's `addSourceBuffer` wants it")
    head: str = Field(description="address of what a player is given first")
    media: str = Field(description="address of its pictures and sound, their times moved to the player's")
    size_bytes: int


class PlaylistView(_Answer):
    """What a player needs to play a range. Addresses can be had without headers, for a while."""

    camera: str
    from_: WallNs = Field(alias="from")
    to: WallNs
    zero: WallNs = Field(description="the moment that is the player's time 0: `from`, or where the first segment begins before it")
    hls: str = Field(description="address of the same as HLS")
    segments: list[PlaylistPart]
    gaps: list[GapView]
    offline: list[str] = Field(description="who did not answer and may have more: nodes, and `objects` for the object store")


class Session(_Answer):
    name: str
    role: Role
    rights: list[Right]
    reason_required: bool = Field(description="whether looks at evidence need X-Reason here")

    @classmethod
    def of(cls, person: Person, reason_required: bool) -> Session:
        return cls(name=person.name, role=person.role, rights=sorted(RIGHTS[person.role]), reason_required=reason_required)


class Health(_Answer):
    status: Literal["ok"] = "ok"


class Dependency(_Answer):
    name: str
    ok: bool
    required: bool = Field(description="without it nothing can be answered")
    why: str = Field(description="empty while ok")


class Readiness(_Answer):
    status: Literal["ready", "degraded", "not_ready"]
    dependencies: list[Dependency]
    registry_faults: list[str] = Field(description="faults of a newer registry that therefore does not run")
