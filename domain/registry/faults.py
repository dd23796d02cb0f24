"""Turns what pydantic finds wrong in a file into faults with positions and suggestions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path as FilePath

from pydantic_core import ErrorDetails

from domain.errors import Fault
from domain.messages.message import NO_MESSAGE, Message, system_reason
from domain.messages.validation import validation_message
from domain.registry.source import Path, RegistrySource, key_named
from domain.suggestions import is_plain_word, likely_word, suggestion

KeysAt = Callable[[Path], Sequence[str]]
"""Returns the keys that are known at a path."""
OwnFault = Callable[[ErrorDetails, Message], tuple[Message, Message] | None]
"""Returns the fault and the hint for an error and its standard sentence, or None."""
_MAPPING = Message("must have keys and values")
_LIST = Message("must be a list")
_WHOLE_NUMBER = Message("must be a whole number")
_OF_KINDS = {
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), _MAPPING),
    **dict.fromkeys(("tuple_type", "list_type"), _LIST),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _WHOLE_NUMBER),
    **dict.fromkeys(("float_type", "float_parsing"), Message("must be a number")),
    **dict.fromkeys(("bool_type", "bool_parsing"), Message("must be true or false")),
    "string_type": Message("must be text"),
}
"""Sentences without pydantic's terms, by the types of its errors."""


def add_fault(
    source: RegistrySource,
    detail: ErrorDetails,
    keys_at: KeysAt,
    whole: str,
    own_fault: OwnFault | None = None,
) -> None:
    """Add one error of pydantic as a fault; `whole` names what the file holds."""
    path: Path = tuple(part for part in detail["loc"] if part != "[key]")
    kind, context = detail["type"], detail.get("ctx", {})
    standard = _OF_KINDS.get(kind) or validation_message(kind, detail["msg"], context)
    if own_fault is not None and (own := own_fault(detail, standard)):
        source.fault(path, _at_key(path, whole, own[0]), own[1])
    elif kind == "extra_forbidden":
        hint = suggestion(str(path[-1]), keys_at(path))
        source.fault(path, _unknown_key(path[-1]), hint, at_key=True)
    elif kind == "missing":
        missing, add = (
            Message("`{key}` is missing", key=path[-1]),
            Message("add `{key}:`", key=path[-1]),
        )
        source.fault(path[:-1], missing, add)
    elif kind in ("literal_error", "enum") and path[-1:] != ("version",):
        allowed = _words(context.get("expected", ""))
        wrong = _not_one_of(detail["input"], allowed)
        source.fault(path, _at_key(path, whole, wrong), likely_word(str(detail["input"]), allowed))
    else:
        is_value = kind == "string_type" and isinstance(detail["input"], int | float | date)
        hint = Message("put it in quotes") if is_value else NO_MESSAGE
        source.fault(path, _at_key(path, whole, standard), hint)


def unreadable(file: FilePath, error: Exception) -> Fault:
    """Return the fault of a file that cannot be read."""
    reason = reading_failure(error)
    return Fault(str(file), 1, 1, Message("cannot be read: {reason}", reason=reason))


def reading_failure(error: Exception) -> Message:
    """Return why a text file cannot be read."""
    if isinstance(error, UnicodeDecodeError):
        return Message("it is not text in UTF-8; save it in that encoding")
    return system_reason(error)


def _unknown_key(key: str | int) -> Message:
    if is_plain_word(key):
        return Message("unknown key `{key}`", key=key)
    return Message("this key is unknown")


def _not_one_of(value: object, allowed: Sequence[str]) -> Message:
    if is_plain_word(value):
        return Message(
            "{value} is not one of {allowed}", value=repr(value), allowed=", ".join(allowed)
        )
    return Message("this value is not one of {allowed}", allowed=", ".join(allowed))


def _at_key(path: Path, whole: str, fault: Message) -> Message:
    """Return a fault with the key that it is about, or with the name of the whole file."""
    name = next((part for part in reversed(path) if isinstance(part, str)), whole)
    return Message("{key}: {fault}", key=key_named(name), fault=fault)


def _words(expected: str) -> tuple[str, ...]:
    return tuple(word.strip(" '") for word in expected.replace(" or ", ", ").split(","))
