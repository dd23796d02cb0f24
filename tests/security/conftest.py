"""The site of the API's tests."""

from __future__ import annotations

from tests.api.conftest import bucket, make_event, open_site, record, session_site, site

__all__ = ["bucket", "make_event", "open_site", "record", "session_site", "site"]
