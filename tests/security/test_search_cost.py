"""Attacks that let a search or a feed compute without an end. Each ends at once, or by its timeout.

No time is asserted: without the protection, these tests would take years.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from domain.plates import plate_expression

if TYPE_CHECKING:
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

pytestmark = pytest.mark.timeout(120)
PATTERNS = [
    "*A" * 15 + "*B",
    "*?A" * 7 + "*B",
    "*" * 32,
    "?" * 16 + "*" * 16,
    "*?" * 16,
    "*A?*A?*A?*B",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_with_many_wildcards(site: Site, make_event: MakeEvent, pattern: str) -> None:
    site.context.index.put_all([make_event(at_s) for at_s in range(50)])
    assert site.get(f"/v1/events?plate={quote(pattern)}").status_code == 200
    assert site.get(f"/v1/events/histogram?plate={quote(pattern)}").status_code == 200
    found = site.get("/v1/events?plate=" + quote("*8888*"))
    assert len(found.json()["items"]) == 50


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_for_a_plate_that_a_stolen_node_made_long(pattern: str) -> None:
    expression = plate_expression(pattern)
    if expression is None:
        assert sum(one != "*" for one in pattern) > 16, "longer than any plate"
        return
    assert bool(expression.fullmatch("A" * 100_000)) == ("B" not in pattern)
    for text in ("AB", "A" * 20 + "B"):
        expression.fullmatch(text)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*A*B*", "xAxBx", True),
        ("*A*B*", "BA", False),
        ("A*A", "A", False),
        ("A*A", "AA", True),
        ("*AB?*AB", "ABxAB", True),
        ("*AB?*AB", "ABAB", False),
        ("?*?", "A", False),
        ("?*?", "AB", True),
        ("*?A*A", "AAA", True),
        ("**", "", True),
        ("A?C", "ABC", True),
    ],
)
def test_what_a_pattern_finds(pattern: str, text: str, fits: bool) -> None:
    """The positive control: parts are found at their first place, and that loses no match."""
    expression = plate_expression(pattern)
    assert expression is not None
    assert bool(expression.fullmatch(text)) is fits


def test_a_feed_with_a_costly_pattern(site: Site, make_event: MakeEvent) -> None:
    event = make_event(plate="A" * 20_000)
    site.context.feed.add_all([event, make_event(1)])
    pattern = quote("*A" * 7 + "*8")
    assert site.get(f"/v1/events/feed?seconds=0&after=0&plate={pattern}").status_code == 200
    answer = site.get("/v1/events/feed?seconds=0&after=0&plate=" + quote("鄂F88888"))
    assert make_event(1).id in answer.text


def test_the_description_is_made_once(site: Site) -> None:
    """It is large and public, so a request must not write it again."""
    first = site.http.get(f"{site.url}/openapi.json")
    again = site.http.get(f"{site.url}/openapi.json")
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert first.json()["openapi"].startswith("3.1")
