"""The registry in use is read in its parsed form, and parsed again where that form is not valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.clock import ManualClock
from domain.paths.data_layout import Layout
from domain.registry import Registry, Secrets
from domain.registry.check import check_text
from domain.registry.model import ClassPolicy, default_classes
from sightline.cluster import registry_cache, site_registry
from sightline.cluster.registry_cache import read_cached, write_cached

EXAMPLE = Path(__file__).parents[3] / "camera_registry.yaml"
TEXT = EXAMPLE.read_text("utf-8")


def parsed(text: str) -> Registry:
    registry, _ = check_text(text, "registry", Secrets())
    assert registry is not None
    return registry


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A data folder in which the example is in use, with its parsed form."""
    layout, file = Layout(tmp_path / "data"), tmp_path / "registry.yaml"
    file.write_text(TEXT, "utf-8")
    assert site_registry.settle(file, layout, ManualClock()) is None
    return layout


def test_the_parsed_form_is_the_registry_of_the_text(layout: Layout) -> None:
    assert read_cached(layout, TEXT) == parsed(TEXT)


def test_the_registry_in_use_is_not_parsed_again(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(site_registry, "check_text")
    assert site_registry.running_registry(layout) == parsed(TEXT)


def test_the_parsed_form_of_another_text_is_not_used(layout: Layout) -> None:
    other = TEXT.replace("class: A", "class: B", 1)
    assert read_cached(layout, other) is None
    write_cached(layout, other, parsed(other))
    assert read_cached(layout, other) == parsed(other)
    assert site_registry.running_registry(layout) == parsed(TEXT)


def test_the_parsed_form_of_other_policies_of_classes_is_not_used(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = default_classes() | {"A": ClassPolicy(record="continuous", retention_days=7)}
    monkeypatch.setattr(registry_cache, "default_classes", lambda: changed)
    assert read_cached(layout, TEXT) is None


def test_a_site_starts_if_the_parsed_form_can_be_neither_read_nor_written(
    layout: Layout, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layout.registry_cache.unlink()
    layout.registry_cache.mkdir()
    file = tmp_path / "registry.yaml"
    assert site_registry.settle(file, layout, ManualClock()) is None
    assert site_registry.running_registry(layout) == parsed(TEXT)
    assert "cannot be read" in caplog.text
    assert "cannot be stored" in caplog.text


@pytest.mark.parametrize("keeps", [0, 30, 400])
def test_a_damaged_parsed_form_is_ignored(layout: Layout, keeps: int) -> None:
    layout.registry_cache.write_bytes(layout.registry_cache.read_bytes()[:keeps] + b"\xff")
    assert read_cached(layout, TEXT) is None
    assert site_registry.running_registry(layout) == parsed(TEXT)
