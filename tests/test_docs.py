"""Documentation fails the build when it is incomplete: every setting, metric, command and link."""

from __future__ import annotations

import argparse
import re
from functools import cache
from pathlib import Path

import pytest

from domain.settings import Settings
from sightline.cli import _parser
from tests.api.console.pictures import MOST_BYTES, PICTURES
from tests.declared_metrics import METRICS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
SECTION_LINK = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_sections_lead_somewhere(page: Path) -> None:
    for target, section in SECTION_LINK.findall(page.read_text("utf-8")):
        file = page.parent / target if target else page
        if "://" not in target and file.suffix == ".md":
            assert section in _sections(file), f"{page.name} links to {target}#{section}"


@cache
def _sections(page: Path) -> frozenset[str]:
    """Return the names of the headings of a page, as GitHub forms them for links."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return frozenset(found)


def test_the_pictures_of_the_console_are_small_and_shown() -> None:
    """`make pictures` writes them; a picture that no page shows is deleted."""
    pictures = sorted((ROOT / "docs" / "images").glob("console*"))
    shown = {
        target.rpartition("/")[2]
        for page in PAGES
        for target in LINK.findall(page.read_text("utf-8"))
    }
    assert [one.name for one in pictures] == sorted(f"{name}.webp" for name in PICTURES)
    assert {one.name for one in pictures} <= shown
    assert all(one.stat().st_size <= MOST_BYTES for one in pictures)


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "settings.md").read_text("utf-8")
    for name, field in Settings.model_fields.items():
        row = next(
            (line for line in text.splitlines() if f"`SIGHTLINE_{name.upper()}`" in line), None
        )
        assert row, f"{name} is not documented"
        if isinstance(field.default, int | float | str):
            assert (
                f"| {field.default:g} |" in row
                if not isinstance(field.default, str)
                else f"| {field.default} |" in row
            )


def test_every_metric_is_documented_with_its_labels() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(sightline_[a-z_]+)` \| ([a-z, ]*)\|", text, re.MULTILINE))
    declared: dict[str, str] = {}
    for collector in METRICS:
        for family in collector.describe():
            suffix = "_total" if family.type == "counter" else ""
            declared[family.name + suffix] = ", ".join(collector._labelnames)
    assert declared
    assert {name: labels.strip() for name, labels in rows.items()} == declared


def _commands(parser: argparse.ArgumentParser, said: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                found += _commands(command, (*said, name)) or [(*said, name)]
    return found


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    for words in _commands(_parser()):
        assert f"`sightline {' '.join(words)}" in text, words


PRESENT = [
    page for page in PAGES if page.parent.name != "decisions" and page.name != "CHANGELOG.md"
]
SOURCE = re.compile(r"`((?:[a-z0-9_]+/)+(?:[a-z0-9_]+\.(?:py|c|lua|txt|sh))?)`")
"""A file or a folder of the repository, as a page names it."""
TOP = {path.name for path in ROOT.iterdir() if path.is_dir()}


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_folders_that_a_page_names_exist(page: Path) -> None:
    named = {
        name for name in SOURCE.findall(page.read_text("utf-8")) if name.partition("/")[0] in TOP
    }
    assert not {name for name in named if not (ROOT / name).exists() and name != "benchmarks/out/"}
