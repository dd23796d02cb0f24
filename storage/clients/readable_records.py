"""Reading records of which one that cannot be read must not stop the others."""

from __future__ import annotations

import logging
from typing import TypeVar

from pydantic import ValidationError

from domain.metrics import RECORDS_UNREADABLE
from domain.stored_model import StoredModel, unreadable

_log = logging.getLogger(__name__)
_Record = TypeVar("_Record", bound=StoredModel)


def read_or_skip(kind: type[_Record], data: bytes | str, where: str) -> _Record | None:
    """The record, or None where it cannot be read, which is logged and counted by `where`."""
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        RECORDS_UNREADABLE.labels(where).inc()
        _log.error("%s; it is left out", unreadable(f"a record of {where}", error))
        return None
