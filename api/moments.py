"""Times as parameters: RFC 3339 in, UTC nanoseconds out, with a sentence for each way of getting it wrong."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from domain.clock import LATEST_NS, parse_rfc3339
from domain.errors import QueryInvalid

EXAMPLE = "2026-11-24T13:55:04Z"
_PLUS_LOST = re.compile(r"(T[0-9:.]+) (\d\d:?\d\d)$")


def parse_moment(value: object) -> int:
    """UTC nanoseconds, from 1970 to 9999. Raises ValueError with what to write instead."""
    text = _PLUS_LOST.sub(r"\1+\2", str(value).strip())  # a `+` not percent-encoded arrives as a space
    try:
        wall_ns = parse_rfc3339(text)
    except (ValueError, OverflowError) as error:
        zone = " with a time zone" if "T" in text and not text.endswith("Z") else ""
        raise ValueError(f"must be a time of RFC 3339{zone}, such as {EXAMPLE} or 2026-11-24T21:55:04%2B08:00") from error
    if not 0 <= wall_ns < LATEST_NS:
        raise ValueError(f"must lie between 1970 and 9999, such as {EXAMPLE}")
    return wall_ns


Moment = Annotated[
    int,
    PlainValidator(parse_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": [EXAMPLE]}),
]


def check_order(from_ns: int | None, to_ns: int | None) -> None:
    """Raises QueryInvalid where `to` does not come after `from`."""
    if from_ns is not None and to_ns is not None and to_ns <= from_ns:
        raise QueryInvalid("to", "must come after `from`")
