"""The site of the API's tests, and the connections to cameras of the tests of ingest."""

from __future__ import annotations

import pytest

from tests.api.conftest import (
    OpenSite,
    bucket,
    make_event,
    open_site,
    record,
    session_site,
    site,
)
from tests.ingest.conftest import clips, pull, source_of
from tests.security.two_areas import TwoAreas, two_areas

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


@pytest.fixture(params=[False, True], ids=["index", "archive"])
def areas(open_site: OpenSite, request: pytest.FixtureRequest) -> TwoAreas:
    return two_areas(open_site, is_archived=request.param)[0]
