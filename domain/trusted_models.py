"""Models made of fields that are known to be right, as when they come back from a store of ours."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from pydantic import BaseModel

_Model = TypeVar("_Model", bound=BaseModel)
_set = object.__setattr__


@cache
def _names(kind: type[BaseModel]) -> set[str]:
    """One set for all of a kind: a copy of a model has a copy of it."""
    return set(kind.model_fields)


def made(kind: type[_Model], fields: dict[str, object]) -> _Model:
    """What `kind.model_construct(**fields)` makes, in a tenth of its time. `fields`: each field by
    name; it is kept, not copied.

    A page of events is hundreds of models, and making them so was a third of what the page took.
    """
    model = kind.__new__(kind)
    _set(model, "__dict__", fields)
    _set(model, "__pydantic_fields_set__", _names(kind))
    _set(model, "__pydantic_extra__", None)
    _set(model, "__pydantic_private__", None)
    return model
