"""What a search states of the times in which its cameras may have missed passings."""

from __future__ import annotations

from pydantic import Field

from api.access.api_context import ApiContext
from api.requests.answers import Answer
from domain.camera_scope import VisibleCameras
from domain.clock import NS_PER_DAY, NS_PER_MS
from domain.events.query import EventQuery
from domain.recordings.partly_analysed import PartlyCause
from domain.registry import Camera, Registry
from domain.stored_model import WallNs
from storage.index.places import is_in_area
from storage.recordings.gaps.unanalysed import CameraUnanalysed, Unanalysed

SPAN_NS = 30 * NS_PER_DAY
"""The range of a search without `from`."""
_CHECKPOINTS = {"vehicle": "plate", "face": "face"}
_MOST_CHOICES = 100


class UnanalysedRange(Answer):
    """A time in which passings of a camera may be missing, with the cause."""

    from_: WallNs = Field(alias="from")
    to: WallNs
    cause: PartlyCause


class UnanalysedCamera(Answer):
    """The times in which one camera may have missed passings."""

    camera: str
    missing_ms: int = Field(description="all these times together")
    ranges: list[UnanalysedRange] = Field(description="by start")
    is_summary: bool = Field(description="there are more; these are the longest ones")

    @classmethod
    def of(cls, one: CameraUnanalysed) -> UnanalysedCamera:
        return cls(
            camera=one.camera_id,
            missing_ms=one.total_ns // NS_PER_MS,
            ranges=[
                UnanalysedRange(from_=part.start_ns, to=part.end_ns, cause=part.cause)
                for part in one.ranges
            ],
            is_summary=one.is_summary,
        )


class UnanalysedView(Answer):
    """The checkpoints of a search that may have missed passings of its time, up to a minute ago."""

    from_: WallNs = Field(alias="from", description="30 days before `to` in a search without it")
    to: WallNs
    camera_count: int = Field(description="how many checkpoints")
    missing_ms: int = Field(description="the times of all of them together")
    cameras: list[UnanalysedCamera] = Field(description="those that miss the most time first")
    is_summary: bool = Field(description="there are more cameras than these")

    @classmethod
    def of(cls, found: Unanalysed, from_ns: int, to_ns: int) -> UnanalysedView:
        return cls(
            from_=from_ns,
            to=to_ns,
            camera_count=found.camera_count,
            missing_ms=found.total_ns // NS_PER_MS,
            cameras=[UnanalysedCamera.of(one) for one in found.cameras],
            is_summary=found.camera_count > len(found.cameras),
        )


class _Choices:
    """Caches which checkpoints a search covers, for the current registry."""

    def __init__(self) -> None:
        self._registry: Registry | None = None
        self._ids: dict[tuple[object, ...], frozenset[str]] = {}

    def of(self, registry: Registry, query: EventQuery, visible: VisibleCameras) -> frozenset[str]:
        if registry is not self._registry or len(self._ids) >= _MOST_CHOICES:
            self._registry, self._ids = registry, {}
        kept, key = self._ids, _key(query, visible)
        if key not in kept:
            kept[key] = frozenset(
                camera.id
                for camera in registry.cameras
                if camera.id in visible and _covers(query, camera)
            )
        return kept[key]


_CHOICES = _Choices()


def unanalysed(context: ApiContext, query: EventQuery, visible: VisibleCameras) -> UnanalysedView:
    """Return what the cameras of a search may have missed. Only its kind and its filters of
    cameras count, not those of vehicles. Raises IndexUnavailable.
    """
    to_ns = context.clock.wall_ns() if query.to_ns is None else query.to_ns
    from_ns = max(0, to_ns - SPAN_NS) if query.from_ns is None else query.from_ns
    cameras = _CHOICES.of(context.registry().registry, query, visible)
    return UnanalysedView.of(context.unanalysed.between(cameras, from_ns, to_ns), from_ns, to_ns)


def _key(query: EventQuery, visible: VisibleCameras) -> tuple[object, ...]:
    filters = query.kind, query.camera, query.area, query.class_, query.near, query.within
    return visible, visible.ids, *filters


def _covers(query: EventQuery, camera: Camera) -> bool:
    lon, lat = camera.location.lon, camera.location.lat
    wanted = None if query.kind is None else _CHECKPOINTS[query.kind]
    return (
        bool(camera.checkpoint if wanted is None else wanted in camera.checkpoint)
        and query.camera in (None, camera.id)
        and (query.area is None or is_in_area(camera.area, query.area))
        and query.class_ in (None, camera.class_)
        and (query.near is None or query.near.contains(lon, lat))
        and (query.within is None or query.within.contains(lon, lat))
    )
