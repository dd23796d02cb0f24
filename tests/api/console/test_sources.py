"""The sources of the console: lint, types and unit tests, and what it may load."""

from __future__ import annotations

import json
import re

import pytest

from api.site.console import built_console
from tests.api.console.npm import CONSOLE, MODULES, run_node

SOURCES = sorted((CONSOLE / "src").rglob("*.ts*"))


def test_the_sources_pass_the_linter() -> None:
    run_node(MODULES / "@biomejs" / "biome" / "bin" / "biome", "ci", "--colors=off")


def test_the_types_are_right() -> None:
    run_node(MODULES / "typescript" / "bin" / "tsc")


def test_the_unit_tests_pass() -> None:
    printed = run_node("--test", "--test-reporter=tap", "src/**/*.test.ts")
    assert re.search(r"^# fail 0$", printed, re.MULTILINE)
    assert int(re.search(r"^# pass (\d+)$", printed, re.MULTILINE)[1]) > 20  # type: ignore[index]


def test_no_source_makes_code_or_markup_of_text() -> None:
    forbidden = ("innerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function")
    for source in SOURCES:
        found = [word for word in forbidden if word in source.read_text("utf-8")]
        assert not found, source


def test_sources_are_short() -> None:
    long = {
        source.name: lines
        for source in SOURCES
        if source.name != "schema.d.ts"
        if (lines := source.read_text("utf-8").count("\n")) > 400
    }
    assert not long


def test_the_lock_file_names_no_host() -> None:
    assert "://" not in re.sub(
        r'"url": "[^"]*"', "", (CONSOLE / "package-lock.json").read_text("utf-8")
    )


def test_versions_are_pinned() -> None:
    package = json.loads((CONSOLE / "package.json").read_text("utf-8"))
    for version in (package["dependencies"] | package["devDependencies"]).values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), version


def test_the_first_view_is_small() -> None:
    import gzip

    assets = built_console().assets
    if not assets:
        pytest.skip("the packages of npm are absent: run `make install`")
    scripts = [one.content for one in assets.values() if one.media_type == "text/javascript"]
    assert sum(len(gzip.compress(one)) for one in scripts) < 300_000
    for one in assets.values():
        addresses = set(re.findall(rb"https?://[\w.-]+", one.content))
        # Names of XML, which are not loaded.
        assert addresses <= {b"http://www.w3.org"}, addresses
