"""The console in Chromium, with a city of 5,911 cameras and with live video.

    python -m benchmarks.console [--short] [--only scripts|pages|vector_map|wall]

It compresses the scripts that pages load later, opens the console without a cache until results
are in view, pans a map of all cameras, also over vector tiles, scrolls the list of cameras and
10,000 results, and watches nine sub-streams for ten minutes (`--short`: one). A frame interval is
the time between two frames. JSON goes to `benchmarks/out`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.console.pages import measure_pages
from benchmarks.console.scripts import measure_scripts
from benchmarks.console.vector_map import measure_vector_map
from benchmarks.console.wall import measure_wall
from benchmarks.machine import OUT, machine
from tests.web_driver import open_browser

LONG_S, SHORT_S = 600.0, 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="watch the wall for one minute")
    parser.add_argument("--only", choices=("scripts", "pages", "vector_map", "wall"))
    asked = parser.parse_args()
    report: dict[str, Any] = {"machine": machine()}
    if asked.only in (None, "scripts"):
        report["scripts"] = measure_scripts()
    with (
        tempfile.TemporaryDirectory(prefix="sightline-console-") as name,
        open_browser() as browser,
    ):
        if asked.only in (None, "pages"):
            report["pages"] = measure_pages(browser, Path(name) / "city")
        if asked.only in (None, "vector_map"):
            report["vector_map"] = measure_vector_map(browser, Path(name) / "vector_map")
        if asked.only in (None, "wall"):
            seconds = SHORT_S if asked.short else LONG_S
            report["wall"] = measure_wall(browser, Path(name) / "wall", seconds)
    OUT.mkdir(exist_ok=True)
    (OUT / "console.json").write_text(json.dumps(report, indent=2), "utf-8")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
