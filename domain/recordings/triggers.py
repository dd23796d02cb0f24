"""Triggers say why ranges are kept of a camera that is not recorded completely. Times are UTC
nanoseconds, the end excluded.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.clock import NS_PER_DAY, NS_PER_S
from domain.registry.model import Camera, TriggerSource

LONGEST_NS = NS_PER_DAY
"""The longest range of one trigger; a longer condition repeats its trigger. A search for a time
therefore starts one day before it.
"""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One range that is kept. Raises ValueError for a range that ends before it begins, or lasts
    longer than a day.
    """

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


def keeps_everything(camera: Camera) -> bool:
    """Whether all recordings of a camera are kept, and not only those around its triggers."""
    return camera.record == "continuous"


def uses_triggers_from(camera: Camera, source: TriggerSource) -> bool:
    """Whether triggers of `source` decide which recordings of a camera are kept or uploaded."""
    chooses = camera.record != "continuous" or camera.upload == "events"
    return (
        chooses
        and accepts_triggers_from(camera, source)
        and (source != "checkpoint" or bool(camera.checkpoint))
    )


def accepts_triggers_from(camera: Camera, source: TriggerSource) -> bool:
    """Whether a camera accepts triggers from `source`. An on-demand camera accepts them from the
    API, also if its `triggers` name others.
    """
    if camera.record == "on_demand":
        return source == "api" or (source == "checkpoint" and bool(camera.checkpoint))
    return source in camera.triggers or (source == "api" and camera.record == "continuous")
