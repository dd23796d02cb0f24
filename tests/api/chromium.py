"""Chromium as a player. Tests are skipped without Debian's package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.browser import is_available, result_of_page

_WITHIN_S = 120


def result_in_chromium(page: str, folder: Path) -> Any:
    """Return the result that a page posts."""
    if not is_available():
        pytest.skip("Debian package absent: chromium")
    return result_of_page(page, folder, _WITHIN_S)
