"""Circles and polygons in queries, and the errors of invalid ones."""

from __future__ import annotations

import pytest

from api.requests.shapes import parse_circle, parse_polygon
from domain.errors import QueryInvalid
from domain.geo import Circle, Polygon


def test_shapes_are_parsed() -> None:
    assert parse_circle("111.5, 32.5,800") == Circle(111.5, 32.5, 800)
    assert parse_polygon("1,2;3,2;3,4") == Polygon(((1, 2), (3, 2), (3, 4)))


@pytest.mark.parametrize(
    "text",
    ["", "1,2", "1,2,0", "1,2,-5", "200,2,5", "1,91,5", "a,b,c", "nan,2,5", "1,2,inf", "1,2,3,4"],
)
def test_an_invalid_circle_is_refused(text: str) -> None:
    with pytest.raises(QueryInvalid, match=r"^near: "):
        parse_circle(text)


@pytest.mark.parametrize(
    "text", ["", "1,2;3,4", "1,2;3,2;3", "1,2;3,2;300,4", "1,2;3,2;x,4", ";".join(["1,2"] * 51)]
)
def test_an_invalid_polygon_is_refused(text: str) -> None:
    with pytest.raises(QueryInvalid, match=r"^within: "):
        parse_polygon(text)


def test_a_concave_polygon_contains_its_inside() -> None:
    dented = Polygon(((0, 0), (4, 0), (4, 4), (2, 1), (0, 4)))
    assert dented.contains(0.5, 1)
    assert dented.contains(3.5, 1)
    assert not dented.contains(2, 3)
    assert not dented.contains(5, 1)
