"""Parses the times in parameters and bodies: RFC 3339 in, UTC nanoseconds out.

Each error says what to write instead.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from domain.clock import LATEST_NS, NS_PER_MS, parse_rfc3339
from domain.errors import QueryInvalid
from domain.messages.message import Message

EXAMPLE = "2026-11-24T13:55:04Z"
_NO_TIME = "must be a time of RFC 3339, such as {example} or {with_offset}"
_NO_ZONE = "must be a time of RFC 3339 with a time zone, such as {example} or {with_offset}"
_PLUS_LOST = re.compile(r"(T[0-9:.]+) (\d\d:?\d\d)$")


def parse_moment(value: object) -> int:
    """Parse a time from 1970 to 9999. Raises ValueError, which says what to write instead."""
    # A `+` that was not percent-encoded arrives as a space.
    return _bounded(_PLUS_LOST.sub(r"\1+\2", str(value).strip()), "2026-11-24T21:55:04%2B08:00")


def parse_body_moment(value: object) -> int:
    """Parse a time in a JSON body, rounded down to the milliseconds of stored records."""
    if not isinstance(value, str):
        raise ValueError(
            Message("must be a string with a time of RFC 3339, such as {example}", example=EXAMPLE)
        )
    wall_ns = _bounded(value, "2026-11-24T21:55:04+08:00")
    return wall_ns - wall_ns % NS_PER_MS


def _bounded(text: str, example_with_offset: str) -> int:
    out_of_bounds = Message("must lie between 1970 and 9999, such as {example}", example=EXAMPLE)
    try:
        wall_ns = parse_rfc3339(text)
    except OverflowError as error:
        raise ValueError(out_of_bounds) from error
    except ValueError as error:
        lacks_zone = "T" in text and not text.endswith("Z")
        raise ValueError(
            Message(
                _NO_ZONE if lacks_zone else _NO_TIME,
                example=EXAMPLE,
                with_offset=example_with_offset,
            )
        ) from error
    if not 0 <= wall_ns < LATEST_NS:
        raise ValueError(out_of_bounds)
    return wall_ns


_JSON_SCHEMA = WithJsonSchema({"type": "string", "format": "date-time", "examples": [EXAMPLE]})
Moment = Annotated[int, PlainValidator(parse_moment), _JSON_SCHEMA]
"""A time as a parameter of a query."""
BodyMoment = Annotated[int, PlainValidator(parse_body_moment), _JSON_SCHEMA]
"""A time in the body of a request."""


def check_order(from_ns: int | None, to_ns: int | None) -> None:
    """Check that `to` is after `from`. Raises QueryInvalid."""
    if from_ns is not None and to_ns is not None and to_ns <= from_ns:
        raise QueryInvalid("to", "must come after `from`")
