"""Numbers in addresses: digits as people write them, and not all that Python takes for a number."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator


def _without_underscores(value: object) -> object:
    if isinstance(value, str) and "_" in value:
        raise ValueError("must be a number in digits alone, without _")
    return value


WholeNumber = Annotated[int, BeforeValidator(_without_underscores)]
Decimal = Annotated[float, BeforeValidator(_without_underscores)]
