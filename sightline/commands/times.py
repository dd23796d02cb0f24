"""Parses the times of options: RFC 3339 in, UTC nanoseconds out."""

from __future__ import annotations

from domain.clock import parse_rfc3339
from domain.errors import BadInput

EXAMPLE = "2026-11-24T21:55:04+08:00"


def parse_time(option: str, text: str) -> int:
    """Return the time of an option. Raises BadInput, which says what to write instead."""
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise BadInput(
            "{option}: {text} is no time of RFC 3339, such as {example}",
            option=option,
            text=repr(text),
            example=EXAMPLE,
        ) from error
