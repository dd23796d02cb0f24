"""How many examples a property test on real stores draws.

`make test` draws a third of them, and `make properties` draws all.
"""

from __future__ import annotations

import os

DRAWS_ALL = os.environ.get("SIGHTLINE_TEST_EXAMPLES") == "all"
_FEWEST = 5


def examples(count: int) -> int:
    """Return the number of examples to draw, of a `count` in the long form."""
    return count if DRAWS_ALL else min(count, max(_FEWEST, count // 3))
