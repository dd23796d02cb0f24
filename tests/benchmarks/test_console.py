"""The figures of the console's benchmark are computed as its report says."""

from __future__ import annotations

import gzip
import random

import pytest

from api.site.console import SCRIPT, STYLE, Asset
from benchmarks.console.pages import quantile_ms
from benchmarks.console.scripts import sizes
from benchmarks.console.wall import ends


def test_a_quantile_is_the_value_below_which_this_part_is() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert [quantile_ms(values, part) for part in (0.5, 0.99, 1)] == [51.0, 100.0, 100.0]
    assert quantile_ms([7.04], 0.99) == 7.0


def test_growth_is_the_last_third_compared_with_the_first() -> None:
    assert ends([10.0, 10.0, 50.0, 12.0, 18.0, 12.0]) == {"first": 10.0, "last": 15.0, "ratio": 1.5}
    assert ends([4.0]) == {"first": 4.0, "last": 4.0, "ratio": 1.0}


def test_the_scripts_of_a_part_are_counted_as_they_are_sent() -> None:
    content = random.Random(1).randbytes(5_000)
    assets = {
        "map-canvas-1.js": Asset(content, SCRIPT),
        "map-canvas-1.css": Asset(content, STYLE),
        "fetch-vector-tile-1.js": Asset(b"x" * 5_000, SCRIPT),
        "ground-worker-1.js": Asset(content, SCRIPT),
    }
    found = sizes(assets)
    assert abs(found["map_bytes"] - len(gzip.compress(content))) < 20
    assert 0 < found["vector_tiles_bytes"] - found["map_bytes"] < 100
    with pytest.raises(ValueError, match="build it again"):
        sizes({})
