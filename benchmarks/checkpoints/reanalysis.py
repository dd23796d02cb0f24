"""How much of what was missed under overload the analysis of the recordings finds."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.site import CLOCK, BenchSite
from domain.clock import NS_PER_S, rfc3339
from domain.events.event import Event, Passing
from sightline.evaluation.film import AnalyserRun
from sightline.evaluation.truth import Pass, compare
from sightline.reanalysis.analysis_ranges import SETTLED_AFTER_NS

PROCESSES = 2
MARGIN_NS = 10 * NS_PER_S
PUBLISHED_WITHIN_S = 10.0
WITHIN_S = 600.0
"""It runs on idle cores alone, so on a busy machine it takes long."""


def analyse_again(
    site: BenchSite, expected: Sequence[Sequence[Pass]], span: tuple[int, int]
) -> dict[str, Any]:
    """Analyse the recordings of all cameras after their load has ended, and count the passings that
    were missed before and are found now.
    """
    CLOCK.sleep(SETTLED_AFTER_NS / NS_PER_S + 5)
    before = [_events(site, at, span) for at in range(len(expected))]
    began_s = CLOCK.monotonic_s()
    with ThreadPoolExecutor(PROCESSES) as pool:
        said = list(pool.map(lambda at: _analyse(site, at, span), range(len(expected))))
    seconds = CLOCK.monotonic_s() - began_s
    CLOCK.sleep(PUBLISHED_WITHIN_S)
    after = [_events(site, at, span) for at in range(len(expected))]
    rows = [found_again(*one) for one in zip(expected, before, after, strict=True)]
    return {
        "seconds": round(seconds, 1),
        "analysed_s": round(sum(one["analysed_s"] for one in said), 1),
        "asked_s": round(sum(one["asked_s"] for one in said), 1),
        **{key: sum(row[key] for row in rows) for key in rows[0]},
    }


def found_again(
    passes: Sequence[Pass], before: Sequence[Event], after: Sequence[Event]
) -> dict[str, int]:
    """Count the passings that had no event before, and the events of passings that had one."""
    first, second = (_compared(passes, events) for events in (before, after))
    return {
        "missed": first["passings"] - first["found"],
        "found_again": second["found"] - first["found"],
        "doubled_before": first["doubled"],
        "doubled_after": second["doubled"],
    }


def _compared(passes: Sequence[Pass], events: Sequence[Event]) -> dict[str, Any]:
    run = AnalyserRun([(0.0, Passing(event, b"", b"")) for event in events])
    return compare(run, list(passes))


def _analyse(site: BenchSite, camera: int, span: tuple[int, int]) -> dict[str, Any]:
    """Run the command on one camera. Raises RuntimeError if it fails."""
    code, said = site.run(
        "analyse", "--camera", f"cam-{camera}", "--from", rfc3339(span[0] - MARGIN_NS),
        "--to", rfc3339(span[1] + MARGIN_NS), "--json", within_s=WITHIN_S,
    )  # fmt: skip
    if code:
        raise RuntimeError(said)
    print(said, file=sys.stderr)
    line = next(line for line in said.splitlines() if line.startswith("{"))
    return dict(json.loads(line))


def _events(site: BenchSite, camera: int, span: tuple[int, int]) -> list[Event]:
    """Return the events of a camera. Raises RuntimeError where the site does not answer."""
    found = site.events(
        camera=f"cam-{camera}",
        **{"from": rfc3339(span[0] - MARGIN_NS), "to": rfc3339(span[1] + MARGIN_NS)},
    )
    if found is None:
        raise RuntimeError("the site does not answer")
    return found
