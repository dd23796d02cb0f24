"""The request and response models of saved views."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.requests.answers import Answer
from domain.stored_model import WallNs
from storage.clients.versioned_records import DamagedRecord
from storage.site.saved_views import SavedViewRecord

Tiles = Literal[1, 4, 9, 16, 25]
MOST_TILES = 25
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
_CameraOfTile = Annotated[str, StringConstraints(max_length=64)]


class SavedViewAsked(BaseModel):
    """The body of a request for a new saved view."""

    model_config = ConfigDict(extra="forbid")

    name: _Name
    is_shared: bool = Field(
        False,
        strict=True,
        description="whether other people see it, if they may see one of its cameras",
    )
    tiles: Tiles
    cameras: list[_CameraOfTile] = Field(
        min_length=1,
        max_length=MOST_TILES,
        description="camera ids by tile; an empty text is an empty tile",
        examples=[["junzhou-east-gate", "", "junzhou-bridge"]],
    )


class SavedViewChange(BaseModel):
    """The body of a request to change a saved view; what is absent stays."""

    model_config = ConfigDict(extra="forbid")

    name: _Name | None = None
    is_shared: Annotated[bool, Field(strict=True)] | None = None
    tiles: Tiles | None = None
    cameras: list[_CameraOfTile] | None = Field(None, min_length=1, max_length=MOST_TILES)


class SavedView(Answer):
    """Cameras of the live wall by tile, under a name."""

    id: str = Field(examples=["20261124-5f1c0a52"])
    name: str
    is_shared: bool = Field(
        description="whether other people see it, if they may see one of its cameras"
    )
    tiles: int = Field(description="1, 4, 9, 16 or 25")
    cameras: list[str] = Field(
        description="camera ids by tile; empty for a tile without a camera, and for a camera that "
        "the person may not see"
    )
    hidden_camera_count: int = Field(description="the cameras that the person may not see")
    may_change: bool = Field(description="whether the person may change and delete it")
    made_by: str
    made_at: WallNs
    changed_by: str
    changed_at: WallNs
    version: int = Field(description="the number in its ETag, for `If-Match`")

    @classmethod
    def of(cls, record: SavedViewRecord, cameras: list[str], may_change: bool) -> SavedView:
        own = {
            name: getattr(record, name)
            for name in cls.model_fields
            if name not in ("cameras", "hidden_camera_count", "may_change")
        }
        hidden_count = sum(map(bool, record.cameras)) - sum(map(bool, cameras))
        return cls(**own, cameras=cameras, hidden_camera_count=hidden_count, may_change=may_change)


class DamagedSavedView(Answer):
    """A saved view whose record cannot be read or is not authentic."""

    key: str = Field(description="the object in the store that is damaged")
    why: str

    @classmethod
    def of(cls, damaged: DamagedRecord) -> DamagedSavedView:
        return cls(key=damaged.key, why=damaged.why)


class SavedViewList(Answer):
    """One page of saved views."""

    items: list[SavedView] = Field(description="the newest first")
    next: str | None = Field(description="cursor of the next page; null on the last")
    damaged: list[DamagedSavedView] = Field(
        default=[],
        description="records that cannot be read or are not authentic; only a person without a "
        "limited scope gets them",
    )
