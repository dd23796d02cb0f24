"""The base of every record that is stored, so that versions of Sightline can run side by side.

A reader keeps the fields that it does not know and writes them back, so that a newer writer may add
fields. Input from people (request bodies, the registry) refuses unknown fields instead, because
they may be typing errors.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
)

from domain.clock import NS_PER_MS, parse_rfc3339, rfc3339
from domain.errors import DataLoss, NewerRecord
from domain.messages.message import NO_MESSAGE, Message

_VERSIONS = frozenset({"schema", "schema_version", "version"})


class StoredModel(BaseModel):
    """A record in a store or on a node's disk, or a part of one."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        populate_by_name=True,
        hide_input_in_errors=True,
        # A record that is written has every field, so a reader of its schema may rely on them.
        json_schema_serialization_defaults_required=True,
    )


def schema_field(newest: int = 1) -> Any:
    """Declare the field for a record's version; this program knows the versions up to `newest`.

    The version rises only if a program that does not know it would misunderstand the record.
    """
    return Field(default=newest, alias="schema", ge=1, le=newest)


def unreadable(where: str, error: ValidationError) -> DataLoss:
    """Describe why the record `where` cannot be read, without its content."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    if any(
        fault["loc"][-1:][0] in _VERSIONS and fault["type"] == "less_than_equal"
        for fault in faults
        if fault["loc"]
    ):
        return NewerRecord(
            "{record} was written by a newer version of Sightline; upgrade "
            "this installation to read it",
            record=where,
        )
    first = faults[0]
    field = ".".join(map(str, first["loc"])) or Message("the whole record")
    others = len(faults) - 1
    more = Message(", and {count} more faults", count=others) if others else NO_MESSAGE
    return DataLoss(
        "{record} cannot be read: {field}: {fault}{more}",
        record=where,
        field=field,
        fault=Message.of(first["msg"], {}),
        more=more,
    )


def _wall_ns(value: Any) -> int:
    wall_ns = value if isinstance(value, int) else parse_rfc3339(str(value))
    return wall_ns - wall_ns % NS_PER_MS


WallNs = Annotated[
    int,
    PlainValidator(_wall_ns),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""UTC nanoseconds in code and RFC 3339 in JSON, both rounded down to milliseconds, so that a value
is read as it was written.
"""
