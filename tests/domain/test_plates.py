"""The grammar of plates, and the patterns that people type."""

from __future__ import annotations

import pytest

from domain.errors import QueryInvalid
from domain.plates import PROVINCES, is_plate, search_pattern


def test_there_are_31_provinces() -> None:
    assert len(set(PROVINCES)) == len(PROVINCES) == 31


@pytest.mark.parametrize(
    "text",
    [
        "鄂C12345",
        "皖AH712X",
        "鄂F8888警",
        "京A1234学",
        "粤Z1234港",
        "沪AF71017",
        "沪A12345F",
        "川O12345",
        "使123456",
        "粤B1234挂",
        "WJ京1234X",
        "WJ藏00015",
        "WJ1234X",
        "WJ12345",
        "VA12345",
        "KB00001",
    ],
)
def test_plates(text: str) -> None:
    assert is_plate(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "鄂C1234",
        "鄂I12345",
        "鄂CO2345",
        "鄂CI2345",
        "C鄂12345",
        "鄂C123456",
        "沪AZ71017",
        "鄂C12警45",
        "使A23456",
        "WJ京12345X",
        "WJA2345",
        "WJ京A2345",
        "VA1234X",
        "V112345",
        "AA12345",
        "VAA12345",
        "WA京12345",
    ],
)
def test_not_plates(text: str) -> None:
    assert not is_plate(text)


@pytest.mark.parametrize(
    ("typed", "pattern"),
    [
        ("鄂c·12345", "鄂C12345"),
        (" 鄂Ｃ １２３４５ ", "鄂C12345"),
        ("鄂CO2I45", "鄂C02145"),
        ("鄂O12345", "鄂O12345"),
        ("*88O8", "*8808"),
        ("鄂C?12*", "鄂C?12*"),
        ("??a12345", "??A12345"),
    ],
)
def test_what_is_typed_is_understood(typed: str, pattern: str) -> None:
    assert search_pattern(typed) == pattern


@pytest.mark.parametrize("typed", ["", "  ", "-", "abc!", "狗A12345"])
def test_what_no_plate_holds_is_refused(typed: str) -> None:
    with pytest.raises(QueryInvalid, match="plate"):
        search_pattern(typed)
