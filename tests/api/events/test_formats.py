"""The format of an answer follows `Accept`."""

from __future__ import annotations

import pytest

from api.events.formats import EventFormat, preferred_format


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", EventFormat.JSON),
        ("*/*", EventFormat.JSON),
        ("application/json", EventFormat.JSON),
        ("text/csv", EventFormat.CSV),
        ("text/csv, */*", EventFormat.CSV),
        ("text/*", EventFormat.CSV),
        ("application/x-ndjson;q=0.5, text/csv;q=0.4, */*;q=0.1", EventFormat.NDJSON),
        ("application/*", EventFormat.JSON),
        ("text/html,application/xhtml+xml,*/*;q=0.8", EventFormat.JSON),
        ("image/png", EventFormat.JSON),
        ("text/csv;q=0", EventFormat.JSON),
    ],
)
def test_the_preferred_format_is_chosen(accept: str, chosen: EventFormat) -> None:
    assert preferred_format(accept) is chosen
