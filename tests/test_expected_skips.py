"""Under CI a skip for a reason that is not expected fails the run, wherever the test is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.expected_skips import expected_reasons

ROOT = Path(__file__).parent.parent
PASSES = "def test_passes():\n    assert True\n"
SKIPS = "import pytest\n\n\ndef test_skips():\n    pytest.skip({reason!r})\n"
SKIPS_WHOLE = "import pytest\n\npytest.skip({reason!r}, allow_module_level=True)\n"
UNEXPECTED, EXPECTED = "a file is absent", "torch is not installed"
USE_FOOTAGE = (
    "tests/analytics/test_footage.py",
    "tests/analytics/test_still_pictures.py",
    "tests/storage/recordings/virtual/test_clips.py",
    "tests/training",
)


def run(
    cache: Path, *arguments: str | Path, ci: bool = True, **environment: str
) -> tuple[int, str]:
    """The exit code and the output of a run of pytest."""
    inherited = {key: value for key, value in os.environ.items() if not _is_of_pytest(key)}
    command = (sys.executable, "-m", "pytest", "-o", f"cache_dir={cache}", *map(str, arguments))
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**inherited, **({"CI": "true"} if ci else {}), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _is_of_pytest(key: str) -> bool:
    return key == "CI" or key.startswith(("PYTEST_", "COV_"))


@pytest.fixture
def tests_of(tmp_path: Path) -> Path:
    """A folder of tests with one that passes, under the rule alone."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (tmp_path / "test_passes.py").write_text(PASSES, "utf-8")
    return tmp_path


RULE = ("-p", "tests.expected_skips", "-p", "no:schemathesis", "-p", "no:hypothesispytest")
"""The rule, without plugins that take seconds to load and have no part in it."""


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["alone", "with xdist"])
def test_an_unexpected_skip_fails_the_run(tests_of: Path, processes: tuple[str, ...]) -> None:
    """Whether one test is skipped or a whole file."""
    files = {"test_skips.py": SKIPS, "test_skips_whole.py": SKIPS_WHOLE}
    for name, skips in files.items():
        (tests_of / name).write_text(skips.format(reason=UNEXPECTED), "utf-8")
    code, said = run(tests_of / "cache", *RULE, *processes, tests_of)
    assert code == pytest.ExitCode.TESTS_FAILED, said
    assert "1 passed, 2 skipped" in said
    for name in files:
        assert re.search(rf"unexpected skip: \S*{name}.*: .*{UNEXPECTED}", said)


def test_an_expected_skip_passes(tests_of: Path) -> None:
    (tests_of / "test_skips.py").write_text(SKIPS.format(reason=EXPECTED), "utf-8")
    code, said = run(tests_of / "cache", *RULE, tests_of)
    assert code == pytest.ExitCode.OK, said
    assert "1 passed, 1 skipped" in said


def test_a_developer_may_skip_anything(tests_of: Path) -> None:
    (tests_of / "test_skips.py").write_text(SKIPS.format(reason=UNEXPECTED), "utf-8")
    code, said = run(tests_of / "cache", *RULE, tests_of, ci=False)
    assert code == pytest.ExitCode.OK, said


def test_the_whole_of_a_site_is_under_the_rule(tmp_path: Path) -> None:
    """Without models no site can be started: its tests are skipped, and the run fails."""
    absent = str(tmp_path / "absent")
    code, said = run(tmp_path, "tests/e2e/test_search.py", "-q", SIGHTLINE_MODELS_DIR=absent)
    assert code == pytest.ExitCode.TESTS_FAILED, said
    assert "unexpected skip: tests/e2e/test_search.py" in said
    assert " passed" not in said


def test_absent_real_footage_skips_nothing(tmp_path: Path) -> None:
    """Then each test of footage is there once, with what is drawn; otherwise also with the real."""
    collected = {}
    for name, folder in (("absent", tmp_path / "absent"), ("there", tmp_path)):
        named = (*USE_FOOTAGE, "--collect-only", "-q")
        code, collected[name] = run(tmp_path, *named, SIGHTLINE_TEST_DATA=str(folder))
        assert code == pytest.ExitCode.OK, collected[name]
    tests = {
        name: re.findall(r"^tests\S*::.*", said, re.MULTILINE) for name, said in collected.items()
    }
    drawn = [test for test in tests["absent"] if "drawn" in test.partition("[")[2]]
    assert len(drawn) > 10
    assert not [test for test in tests["absent"] if "real" in test.partition("[")[2]]
    also_real = [test for test in tests["there"] if "real" in test.partition("[")[2]]
    assert len(also_real) == len(drawn)
    assert not [reason for reason in expected_reasons() if "footage" in reason.pattern]
