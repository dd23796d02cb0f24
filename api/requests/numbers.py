"""Numbers in URLs: plain digits, and not every form that Python accepts as a number."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator


def _without_underscores(value: object) -> object:
    if isinstance(value, str) and "_" in value:
        raise ValueError("must be a number in digits alone, without _")
    return value


WholeNumber = Annotated[int, BeforeValidator(_without_underscores)]
Decimal = Annotated[float, BeforeValidator(_without_underscores)]
