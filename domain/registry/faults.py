"""Turns what pydantic finds wrong in a file into faults with positions and suggestions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic_core import ErrorDetails

from domain.registry.source import Path, RegistrySource
from domain.suggestions import is_plain_word, suggestion

KeysAt = Callable[[Path], Sequence[str]]
"""Returns the keys that are known at a path."""


def add_fault(source: RegistrySource, detail: ErrorDetails, keys_at: KeysAt, whole: str) -> None:
    """Add one error of pydantic as a fault; `whole` names what the file holds."""
    path: Path = tuple(part for part in detail["loc"] if part != "[key]")
    kind, message = detail["type"], detail["msg"]
    if kind == "extra_forbidden":
        what = f"unknown key `{path[-1]}`" if is_plain_word(path[-1]) else "this key is unknown"
        source.fault(path, what, suggestion(str(path[-1]), keys_at(path)), at_key=True)
    elif kind == "missing":
        source.fault(path[:-1], f"`{path[-1]}` is missing", f"add `{path[-1]}:`")
    elif kind in ("literal_error", "enum") and path[-1:] != ("version",):
        allowed = detail.get("ctx", {}).get("expected", "")
        value = repr(detail["input"]) if is_plain_word(detail["input"]) else "this value"
        hint = suggestion(str(detail["input"]), _words(allowed))
        source.fault(path, f"{_name(path, whole)}: {value} is not one of {allowed}", hint)
    else:
        source.fault(path, f"{_name(path, whole)}: {message.removeprefix('Value error, ')}")


def _name(path: Path, whole: str) -> str:
    name = next((part for part in reversed(path) if isinstance(part, str)), whole)
    return f"`{name}`" if is_plain_word(name) else "this key"


def _words(expected: str) -> tuple[str, ...]:
    return tuple(word.strip(" '") for word in expected.replace(" or ", ", ").split(","))
