"""Turns what pydantic finds wrong in a file into faults with positions and suggestions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path as FilePath

from pydantic_core import ErrorDetails

from domain.errors import Fault
from domain.messages.message import Message
from domain.messages.validation import validation_message
from domain.registry.source import Path, RegistrySource, key_named
from domain.suggestions import is_plain_word, likely_word, suggestion

KeysAt = Callable[[Path], Sequence[str]]
"""Returns the keys that are known at a path."""


def add_fault(source: RegistrySource, detail: ErrorDetails, keys_at: KeysAt, whole: str) -> None:
    """Add one error of pydantic as a fault; `whole` names what the file holds."""
    path: Path = tuple(part for part in detail["loc"] if part != "[key]")
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
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
        wrong = validation_message(kind, detail["msg"], context)
        source.fault(path, _at_key(path, whole, wrong))


def unreadable(file: FilePath, error: Exception) -> Fault:
    """Return the fault of a file that cannot be read."""
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return Fault(str(file), 1, 1, Message("cannot be read: {reason}", reason=reason))


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
