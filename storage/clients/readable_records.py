"""Reads records so that an unreadable one does not stop the others."""

from __future__ import annotations

import logging
from typing import TypeVar

from pydantic import ValidationError

from domain.metrics import RECORDS_UNREADABLE
from domain.stored_model import StoredModel, unreadable

_log = logging.getLogger(__name__)
_Record = TypeVar("_Record", bound=StoredModel)


def read_or_skip(kind: type[_Record], data: bytes | str, where: str) -> _Record | None:
    """Return the record; an unreadable one is logged, counted by `where`, and None is returned."""
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        RECORDS_UNREADABLE.labels(where).inc()
        _log.error("%s; it is left out", unreadable(f"a record of {where}", error))
        return None
