"""Faults of values that only a registry has, in sentences for the people who write it."""

from __future__ import annotations

from pydantic_core import ErrorDetails

from domain.messages.message import NO_MESSAGE, Message
from domain.registry.model import AREA_PATH, CAMERA_ID, WHOLE_PATH

_OF_PATTERNS = {
    CAMERA_ID: Message(
        "must begin with a letter or a digit, and have only letters, digits, - _ . (64 at most)"
    ),
    AREA_PATH: Message("must have only lower-case letters, digits and -, in parts joined by /"),
    WHOLE_PATH: Message("must be the whole path of a file, which begins with /"),
}
_POLYGON = Message("a mask or a lane is a list of three or more points, and a point is [x, y]")
_LINE = Message("a count line is a list of two points, and a point is [x, y]")
_OF_SHAPES = {"masks": _POLYGON, "lanes": _POLYGON, "count_lines": _LINE}
_WRONG_SHAPE = ("missing", "too_short", "too_long", "tuple_type")


def registry_fault(detail: ErrorDetails, standard: Message) -> tuple[Message, Message] | None:
    """Return what is wrong with a value of the registry, and what may remedy it. None if the
    `standard` sentence of the error says all.
    """
    path, kind = detail["loc"], detail["type"]
    if kind == "string_pattern_mismatch":
        known = _OF_PATTERNS.get(detail["ctx"]["pattern"])
        return None if known is None else (known, NO_MESSAGE)
    # A deeper path than `cameras`, number, key is of one polygon or line.
    if path[:1] == ("cameras",) and len(path) > 3 and kind in _WRONG_SHAPE:
        shape = _OF_SHAPES.get(str(path[2]))
        return None if shape is None else (shape, NO_MESSAGE)
    if path[-2:] == ("location", "lat") and kind in ("less_than_equal", "greater_than_equal"):
        return standard, Message("are `lon` and `lat` exchanged?")
    return None
