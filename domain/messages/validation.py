"""What pydantic finds wrong with a value, as a message with parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticKnownError

from domain.messages.message import Filling, Message, filled

_PLURAL = "expected_plural"
"""The part of pydantic's templates that is an `s` unless the limit is 1."""
_INPUT = "Input "


def validation_message(kind: str, text: str, context: Mapping[str, Any]) -> Message:
    """Return the message of an error of pydantic from its `type`, `msg` and `ctx`.

    It begins without pydantic's `Input` and `Value error`. A message that a validator has raised
    keeps its own parts.
    """
    if kind == "value_error":
        (error,) = context["error"].args
        return Message(error)
    template, parts = _template(kind, context), _parts(context)
    if filled(template, parts) != text.removeprefix(_INPUT):
        return Message(text.removeprefix(_INPUT))
    return Message.of(template, {name: part for name, part in parts.items() if name in template})


def _template(kind: str, context: Mapping[str, Any]) -> str:
    """Return pydantic's own template of an error; empty if the error is not pydantic's."""
    try:
        known = PydanticKnownError(kind, dict(context))  # type: ignore[arg-type]  # any text
    except (KeyError, TypeError):
        return ""
    return known.message_template.removeprefix(_INPUT)


def _parts(context: Mapping[str, Any]) -> dict[str, Filling]:
    parts: dict[str, Filling] = {
        name: part if isinstance(part, int | float) else str(part) for name, part in context.items()
    }
    limits = [part for name, part in context.items() if name in ("min_length", "max_length")]
    return parts | {_PLURAL: "" if limits == [1] else "s"}
