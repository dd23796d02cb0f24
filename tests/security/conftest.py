"""The site of the API's tests, and the connections to cameras of the tests of ingest."""

from __future__ import annotations

from tests.api.conftest import bucket, make_event, open_site, record, session_site, site
from tests.ingest.conftest import clips, pull, source_of

__all__ = [
    "bucket",
    "clips",
    "make_event",
    "open_site",
    "pull",
    "record",
    "session_site",
    "site",
    "source_of",
]
