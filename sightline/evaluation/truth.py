"""The true passings in a video, and the comparison of a run's events with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from domain.clock import NS_PER_S
from domain.errors import BadInput
from domain.events.event import Event
from domain.plates import normalise
from sightline.evaluation.film import EPOCH_NS, AnalyserRun

SLACK_S = 0.2
"""How far the middle of an event may be outside its pass."""
_MAX_DISTANCE = 99
OTHER_CONFIDENCE, OTHER_DISTANCE = 0.9, 3
"""A reading with this confidence and so many different characters is of another vehicle.

That vehicle is in view, but not in the truth file.
"""


class Pass(BaseModel):
    """One vehicle, or some faces together, in view from `enter_s` to `leave_s` of the file."""

    model_config = ConfigDict(frozen=True)

    enter_s: float = Field(ge=0)
    leave_s: float = Field(ge=0)
    plate: str | None = None
    color: str | None = Field(None, validation_alias=AliasChoices("colour", "color"))
    faces: int = Field(1, ge=0)


class _Truth(BaseModel):
    passes: list[Pass]


def read_truth(file: Path) -> list[Pass]:
    """Read a truth file. Raises BadInput where it is absent or malformed."""
    try:
        return _Truth.model_validate(json.loads(file.read_text("utf-8-sig"))).passes
    except FileNotFoundError as error:
        raise BadInput("there is no truth file {file}", file=file) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadInput("{file} is no JSON: {error}", file=file, error=error) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            '{file}: {place}: {fault}; it holds {"passes": [{"enter_s": …, '
            '"leave_s": …, "plate": …}]}',
            file=file,
            place=place,
            fault=first["msg"],
        ) from error


@dataclass(slots=True)
class _Tally:
    """The assignment of events to passes: extra events of a pass, and events without a pass."""

    of_pass: list[list[tuple[float, Event]]]
    """The events of each pass, the best one first."""
    doubled: int = 0
    others: list[Event] = field(default_factory=list)
    stray: list[tuple[float, Event]] = field(default_factory=list)


def compare(result: AnalyserRun, passes: list[Pass]) -> dict[str, object]:
    """Compare the events of a run with the true passes.

    An event belongs to the pass that contains its middle; of several, to the one with the most
    similar plate. Events are identified by id, so that an extended event counts once. An extra
    event of a pass counts as doubled, unless it clearly names another vehicle in view.
    """
    events = {passing.event.id: (out_s, passing.event) for out_s, passing in result.passings}
    tally = _assigned(list(events.values()), passes)
    latency_s = [
        out_s - passes[at].leave_s for at, found in enumerate(tally.of_pass) for out_s, _ in found
    ]
    return {
        "passings": sum(one.faces for one in passes),
        "found": sum(len(found) for found in tally.of_pass),
        "doubled": tally.doubled,
        "others": [
            f"{one.plate.text} ({one.plate.confidence:.2f})"
            for one in tally.others
            if one.plate is not None
        ],
        "false": len(tally.stray),
        **_plates(tally, passes),
        "latency_s": {
            "median": round(float(np.median(latency_s)), 2),
            "worst": round(max(latency_s), 2),
        }
        if latency_s
        else None,
        "duration_s": round(result.duration_s, 2),
        "looks": result.looks,
        "cpu_ms_a_look": round(result.cpu_s / max(1, result.looks) * 1000, 1),
        "worst_look_ms": round(result.worst_look_ms, 1),
    }


def are_found(events: Sequence[Event], passes: list[Pass]) -> list[bool]:
    """Return of each pass whether an event belongs to it, as in `compare`."""
    return [bool(found) for found in _assigned([(0.0, one) for one in events], passes).of_pass]


def _assigned(events: list[tuple[float, Event]], passes: list[Pass]) -> _Tally:
    tally = _Tally([[] for _ in passes])
    pairs = sorted(
        (_distance(event, passes[at]), number, at)
        for number, (_, event) in enumerate(events)
        for at in _candidates(event, passes)
    )
    placed: set[int] = set()
    for _, number, at in pairs:
        if number not in placed and len(tally.of_pass[at]) < passes[at].faces:
            tally.of_pass[at].append(events[number])
            placed.add(number)
    in_some_pass = {number for _, number, _ in pairs}
    nearest = {
        number: min(distance[0] for distance, other, _ in pairs if other == number)
        for number in in_some_pass - placed
    }
    tally.others = [
        events[number][1]
        for number, distance in sorted(nearest.items())
        if _is_other(events[number][1], distance)
    ]
    tally.doubled = len(nearest) - len(tally.others)
    tally.stray = [event for number, event in enumerate(events) if number not in in_some_pass]
    return tally


def _middle_s(event: Event) -> float:
    return ((event.started_at + event.ended_at) / 2 - EPOCH_NS) / NS_PER_S


def _candidates(event: Event, passes: list[Pass]) -> list[int]:
    return [
        at
        for at, one in enumerate(passes)
        if one.enter_s - SLACK_S <= _middle_s(event) <= one.leave_s + SLACK_S
    ]


def _distance(event: Event, one: Pass) -> tuple[int, float]:
    """Return the number of different characters, and the distance of the middles in seconds."""
    late_s = abs(_middle_s(event) - (one.enter_s + one.leave_s) / 2)
    if one.plate is None or event.plate is None or not event.plate.text:
        return _MAX_DISTANCE, late_s
    text, truth = event.plate.text, normalise(one.plate)
    return sum(a != b for a, b in zip(text, truth, strict=False)) + abs(
        len(text) - len(truth)
    ), late_s


def _is_other(event: Event, distance: int) -> bool:
    """Return whether an extra event is of another vehicle, by its distance to the nearest pass."""
    return (
        event.plate is not None
        and event.plate.confidence >= OTHER_CONFIDENCE
        and OTHER_DISTANCE <= distance < _MAX_DISTANCE
    )


def _plates(tally: _Tally, passes: list[Pass]) -> dict[str, object]:
    pairs = [
        (found, one, normalise(one.plate))
        for found, one in zip(tally.of_pass, passes, strict=True)
        if one.plate is not None
    ]
    if not pairs:
        return {}
    read = [(found[0][1].plate if found else None, one, truth) for found, one, truth in pairs]
    wrong = [
        f"{truth} read as {plate.text or '(unread)'} ({plate.confidence:.2f})"
        if plate
        else f"{truth} missed"
        for plate, _, truth in read
        if plate is None or plate.text != truth
    ]
    return {
        "plates": len(pairs),
        "plates_right": len(pairs) - len(wrong),
        "plates_right_but_first": sum(
            plate is not None and plate.text[1:] == truth[1:] for plate, _, truth in read
        ),
        "colours_right": sum(
            plate is not None and plate.color == one.color for plate, one, _ in read
        ),
        "wrong": wrong,
    }
