"""The request and response models of the site and its holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.base_map.metadata import TileSchema
from api.requests.answers import Answer
from api.requests.times import BodyMoment
from domain.alarms import Alarm
from domain.camera_scope import CameraScope
from domain.recordings.holds import Hold
from domain.stored_model import WallNs
from storage.audit.reader import AuditPage
from storage.audit.stored_lines import AuditWriter
from storage.site.audit import AuditLine

_MOST_DAMAGED = 100


SignInWay = Literal["token", "password", "openid"]


class SiteView(Answer):
    """What a client must know of a site before anyone signs in."""

    time_zone: str = Field(
        description="the time zone of the city, by its IANA name; times in answers are in UTC",
        examples=["Asia/Shanghai"],
    )
    viewer_overlay: bool = Field(
        description="whether a client shows the name of the person and the time over live video "
        "and playback"
    )
    map_tiles: str | None = Field(
        description="address of the tiles of a base map, with `{z}`, `{x}` and `{y}`; null: the "
        "site has none"
    )
    map_zooms: list[int] | None = Field(
        description="the lowest and the highest zoom of these tiles; null where they are not known"
    )
    map_schema: TileSchema | None = Field(
        description="the schema of these tiles if they are vector tiles (MVT); null for raster "
        "tiles"
    )
    map_attribution: str | None = Field(
        description="the source of the base map, to be shown on it; null if the map names none"
    )
    sign_in: list[SignInWay] = Field(
        description="how people can sign in; `openid`: at `/v1/session/openid`"
    )


class HoldAsked(BaseModel):
    """The body of a request for a hold on a camera's range or an event."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    camera: str | None = Field(None, max_length=64)
    from_: BodyMoment | None = Field(None, alias="from")
    to: BodyMoment | None = None
    event: str | None = Field(
        None, max_length=26, description="an event's id, in place of camera and range"
    )
    reason: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1, max_length=500, description="why it is held"
    )
    until: BodyMoment | None = Field(
        None, description="when it ends by itself; null: only when it is released"
    )


class HoldChange(BaseModel):
    """The body of a request to change when a hold ends."""

    model_config = ConfigDict(extra="forbid")

    until: BodyMoment | None = Field(
        description="when it ends by itself; null: only when it is released"
    )
    reason: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1, max_length=500, description="why; it is in the audit log"
    )


class HoldView(Answer):
    """A legal hold on a range of a camera."""

    id: str = Field(examples=["20251009-5f1c0a52"])
    camera: str | None = Field(description="null where the record of the hold cannot be read")
    from_: WallNs = Field(alias="from")
    to: WallNs
    event: str | None = Field(
        description="the event that it was placed for; null where it was placed for a range"
    )
    reason: str
    until: WallNs | None = Field(
        description="when it ends by itself; null: only when a person releases it"
    )
    placed_by: str
    placed_at: WallNs
    released_by: str | None
    released_at: WallNs | None

    @classmethod
    def of(cls, hold: Hold) -> HoldView:
        fields = {name: getattr(hold, name) for name in cls.model_fields}
        absent = {name: None for name in ("camera", "event", "released_by") if not fields[name]}
        return cls(**fields | absent)


class DamagedHold(Answer):
    """A hold whose record cannot be read. Retention deletes nothing until it is repaired."""

    id: str
    key: str = Field(description="the object in the store that is damaged")
    why: str


class HoldList(Answer):
    """One page of the holds of the site."""

    items: list[HoldView] = Field(description="the newest first")
    next: str | None = Field(description="cursor of the next page; null on the last")
    damaged: list[DamagedHold] = Field(
        default=[], description="holds that cannot be read; repair the object or release the hold"
    )


class DamagedLine(Answer):
    """An audit line that cannot be read, or a whole object of lines."""

    where: str = Field(description="the object in the store, or the file on this machine")
    number: int = Field(description="the line's number; 0: the whole object")
    reason: str


class AuditSummary(Answer):
    """What a read of the audit log has covered."""

    writers: list[AuditWriter] = Field(
        description="the data folders that write lines; later lines of a folder than its "
        "`complete_until` may be absent"
    )
    damaged: list[DamagedLine] = Field(
        default=[], description="lines in the hours that were read that cannot be read, at most 100"
    )
    damaged_count: int = 0

    @classmethod
    def of(cls, pages: Sequence[AuditPage]) -> AuditSummary:
        """Return the summary of consecutive pages; an hour that was read twice counts once."""
        faults = {(one.where, one.number): one for page in pages for one in page.faults}
        return cls(
            writers=list(pages[0].writers),
            damaged=[
                DamagedLine(where=one.where, number=one.number, reason=one.reason)
                for one in list(faults.values())[:_MOST_DAMAGED]
            ],
            damaged_count=len(faults),
        )


class AuditList(AuditSummary):
    """A page of audit lines."""

    items: list[AuditLine]
    next: str | None = Field(description="the next page; null on the last one")


class AlarmList(Answer):
    """One page of the current alarms of the site."""

    items: list[Alarm] = Field(description="the newest first; empty while all is well")
    next: str | None = Field(description="cursor of the next page; null on the last")


class ScopeView(Answer):
    """The cameras that a person may see; all are empty for a person without limits."""

    areas: list[str] = Field(description="areas with all areas below them")
    classes: list[str] = Field(description="classes of cameras in these areas")
    cameras: list[str] = Field(description="cameras in addition, by id")

    @classmethod
    def of(cls, scope: CameraScope) -> ScopeView:
        return cls(
            areas=list(scope.areas), classes=list(scope.classes), cameras=list(scope.cameras)
        )


class HealthView(Answer):
    """The response of a process that works."""

    status: Literal["ok"] = "ok"


class Dependency(Answer):
    """The state of one dependency of the API."""

    name: str
    ok: bool
    required: bool = Field(description="without it nothing can be answered")
    why: str | None = Field(
        description="empty while ok; null without a token that may read the states of cameras"
    )


class Readiness(Answer):
    """The state of all dependencies of the API."""

    status: Literal["ready", "degraded", "not_ready"]
    dependencies: list[Dependency]
    warnings: list[str] = Field(
        default=[],
        description="what is unsafe in the way this API was started, for all to see; with a "
        "token that may read the states of cameras, also processes that are not confined",
    )
    registry_faults: list[str] | None = Field(
        description="faults of a newer registry that therefore does not run; null without a token "
        "that may read the states of cameras"
    )
    policy_faults: list[str] | None = Field(
        description="faults of the policy file, which is therefore not in force; null without a "
        "token that may read the states of cameras"
    )
