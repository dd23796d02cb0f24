"""What happens in a campaign of random faults, and when, from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulator import ConnectionCut, Fault, Jump, PacketLoss, Stall

CHILDREN = {
    "worker": ("sightline.worker", "--index 0"),
    "valkey": ("valkey-server",),
    "seaweedfs": ("weed", "server"),
    "live": ("sightline.live_process",),
    "media": ("sightline.media_process",),
    "api": ("sightline.api_process",),
}
ACTIONS = (
    *(f"kill {name}" for name in CHILDREN),
    "stop valkey",
    "stop seaweedfs",
    "kill supervisor",
    "restart",
)


@dataclass(frozen=True, slots=True)
class Action:
    at_s: float
    name: str


@dataclass(frozen=True, slots=True)
class Passing:
    """One passing of the footage, in seconds of the campaign."""

    plate: str
    enter_s: float
    leave_s: float


def random_actions(rng: random.Random, duration_s: float) -> list[Action]:
    """Return actions at random times. Each kind occurs once before any occurs twice."""
    actions: list[Action] = []
    at_s, remaining = rng.uniform(5, 8), list[str]()
    while at_s < duration_s - 5:
        remaining = remaining or rng.sample(ACTIONS, len(ACTIONS))
        actions.append(Action(at_s, remaining.pop()))
        at_s += rng.uniform(7, 14)
    return actions


def random_faults(rng: random.Random, duration_s: float, least_s: float) -> tuple[Fault, ...]:
    """Return faults of a camera, which are `least_s` to twice that apart."""
    faults: list[Fault] = []
    at_s = rng.uniform(8, 8 + least_s)
    while at_s < duration_s - 8:
        makers: tuple[Callable[[float], Fault], ...] = (
            ConnectionCut,
            lambda at: Stall(at, rng.uniform(2, 5)),
            lambda at: Jump(at, rng.choice((-1, 1)) * rng.uniform(1, 4000)),
            lambda at: PacketLoss(at, 2.0, 50, rng.randrange(1000)),
        )
        faults.append(rng.choice(makers)(at_s))
        at_s += rng.uniform(least_s, 2 * least_s)
    return tuple(faults)


def passings_of(truth: Path, duration_s: float) -> list[Passing]:
    """Every passing of the looped footage that ends within the campaign."""
    truth_data = json.loads(truth.read_text("utf-8"))
    loop_s = truth_data["frames"] / truth_data["fps"]
    passes = [
        Passing(one["plate"], one["enter_s"] + round_ * loop_s, one["leave_s"] + round_ * loop_s)
        for round_ in range(int(duration_s / loop_s) + 1)
        for one in truth_data["passes"]
    ]
    return [one for one in passes if one.leave_s < duration_s]


def fault_range_s(fault: Fault) -> tuple[float, float]:
    """Return when a fault of a camera may affect its pictures, in seconds of the campaign."""
    for_s = fault.for_s if isinstance(fault, Stall | PacketLoss) else 0.0
    return fault.at_s - 1.0, fault.at_s + for_s + 5.0
