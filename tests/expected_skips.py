"""A rule for pytest: under CI, a skip for a reason that is not expected fails the run.

A test that is never run proves nothing. `expected-skips.txt` has the reasons, as regular
expressions.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

EXPECTED = Path(__file__).parent / "expected-skips.txt"


def expected_reasons() -> list[re.Pattern[str]]:
    lines = EXPECTED.read_text("utf-8").splitlines()
    return [re.compile(line) for line in lines if line and not line.startswith("#")]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Reports each unexpected skip; a worker of xdist has no reports, its controller has all."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    expected = expected_reasons()
    for report in reporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(pattern.search(reason) for pattern in expected):
            reporter.write_line(f"unexpected skip: {report.nodeid}: {reason}", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
