"""The media types in which events are answered, and the choice between them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import Query, Request

from api.headers.preferences import weights

CSV_TYPE, NDJSON_TYPE, JSON_TYPE = "text/csv", "application/x-ndjson", "application/json"


class EventFormat(StrEnum):
    """A page for programs, or many rows as a file."""

    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES[self]

    @property
    def is_export(self) -> bool:
        """Whether the answer is a file of rows, and no page."""
        return self is not EventFormat.JSON


_MEDIA_TYPES = {
    EventFormat.JSON: JSON_TYPE,
    EventFormat.CSV: CSV_TYPE,
    EventFormat.NDJSON: NDJSON_TYPE,
}


FormatOf = Annotated[
    EventFormat | None,
    Query(alias="format", description="replaces `Accept`: a page, or rows as a file"),
]


def event_format(request: Request, asked: EventFormat | None) -> EventFormat:
    """Return the format of the answer: `format`, or the one that `Accept` prefers."""
    return asked or preferred_format(",".join(request.headers.getlist("Accept")))


def format_term(request: Request) -> dict[str, str]:
    """Return the term `format` of a request whose `Accept` asks for rows as a file.

    The audit log and an approval name an export alike, whichever way it was requested.
    """
    if "format" in request.query_params:
        return {}
    chosen = event_format(request, None)
    return {"format": chosen.value} if chosen.is_export else {}


def preferred_format(accept: str) -> EventFormat:
    """Return the format that an `Accept` prefers (RFC 9110, section 12.5.1).

    A type that is named wins over one that a wildcard allows. It is JSON if none is acceptable.
    """
    accepted = weights(accept)

    def preference(one: EventFormat) -> tuple[float, bool]:
        name = one.media_type
        if name in accepted:
            return accepted[name], accepted[name] > 0.0
        wildcard = f"{name.partition('/')[0]}/*"
        return accepted.get(wildcard, accepted.get("*/*", 0.0)), False

    return max(EventFormat, key=preference)
