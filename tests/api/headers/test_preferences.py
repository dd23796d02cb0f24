"""Weighted lists of request headers."""

from __future__ import annotations

import pytest

from api.headers.preferences import weights


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", {}),
        ("gzip", {"gzip": 1.0}),
        ("GZIP;q=0, br ; q=0.5", {"gzip": 0.0, "br": 0.5}),
        ("text/csv; header=present; q=0.2, */*;q=0.1", {"text/csv": 0.2, "*/*": 0.1}),
        (
            "gzip;q=nonsense, br;q=7, zstd;q=-1, x;q=nan",
            dict.fromkeys(["gzip", "br", "zstd", "x"], 0.0),
        ),
        (";;,=", {"=": 1.0}),
    ],
)
def test_each_value_has_its_weight(header: str, found: dict[str, float]) -> None:
    assert weights(header) == found
