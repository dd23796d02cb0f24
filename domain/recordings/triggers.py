"""Why a stretch of a camera's recording is kept where not all of it is. Times are UTC
nanoseconds, the end excluded.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.clock import NS_PER_DAY, NS_PER_S
from domain.registry.model import Camera, TriggerSource

LONGEST_NS = NS_PER_DAY
"""Of one trigger; what lasts longer is told again. So a range is found by looking at one day
before it.
"""


@dataclass(frozen=True, slots=True)
class Trigger:
    """Raises ValueError for a range that ends before it begins, or lasts longer than a day."""

    camera_id: str
    source: TriggerSource
    start_ns: int
    end_ns: int
    reason: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.end_ns - self.start_ns <= LONGEST_NS:
            raise ValueError(
                f"a trigger lasts from 0 to {LONGEST_NS // NS_PER_S} s, not "
                f"{(self.end_ns - self.start_ns) / NS_PER_S:g}"
            )


def keeps_all(camera: Camera) -> bool:
    """Whether everything that is recorded of a camera is kept, and not only what is around its
    triggers.
    """
    return camera.record == "continuous"


def listens(camera: Camera, source: TriggerSource) -> bool:
    """Whether triggers of `source` decide what is kept, or uploaded, of a camera."""
    chooses = camera.record != "continuous" or camera.upload == "events"
    return chooses and takes(camera, source) and (source != "checkpoint" or bool(camera.checkpoint))


def takes(camera: Camera, source: TriggerSource) -> bool:
    """Whether `source` may trigger at a camera. What is pulled on demand is recorded when the
    API asks, whatever its `triggers` say.
    """
    if camera.record == "on_demand":
        return source == "api" or (source == "checkpoint" and bool(camera.checkpoint))
    return source in camera.triggers or (source == "api" and camera.record == "continuous")
