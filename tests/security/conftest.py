"""The site of the API's tests."""

from __future__ import annotations

from tests.api.conftest import bucket, open_site, record

__all__ = ["bucket", "open_site", "record"]
