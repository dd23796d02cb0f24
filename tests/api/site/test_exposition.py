"""The metrics of a node in the text format are those that the library writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from api.site.exposition import Exposition

WRITER = """
import sys
from domain import metrics
from domain.media import viewer_metrics

number = int(sys.argv[1])
metrics.PACKETS.labels("gate").inc(number)
metrics.PACKETS.labels(f"gate-{number}").inc(0.5)
metrics.PACKETS.labels('odd "name\\\\\\n').inc()
metrics.CAMERA_LIVE.labels("gate").set(number % 2)
metrics.CAMERA_STATE.labels("gate", "live").set(number)
metrics.CAMERA_SKEW_S.labels("gate").set(-number / 3)
viewer_metrics.LIVE_VIEWERS.labels("gate").set(number)
metrics.REQUEST_DURATION_S.labels("/v1/cameras", "200").observe(number)
"""
"""Sets metrics of all kinds in a process of its own, as the library decides at import."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The values of three processes, which have ended; the site's own process is no part."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    for number in (1, 2, 3):
        subprocess.run([sys.executable, "-c", WRITER, str(number)], check=True)
    return tmp_path


def lines(text: bytes) -> list[str]:
    return sorted(text.decode().splitlines())


def by_library(folder: Path) -> list[str]:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))
    return lines(generate_latest(registry))


def test_the_text_has_the_lines_of_the_library(folder: Path) -> None:
    exposition = Exposition()
    expected = by_library(folder)
    assert 'sightline_packets_total{camera="gate"} 6.0' in expected
    assert lines(exposition.text()) == expected
    assert lines(exposition.text()) == expected


def test_the_lines_of_a_metric_follow_its_header(folder: Path) -> None:
    text = Exposition().text().decode()
    _, _, below = text.partition("# TYPE sightline_packets_total counter\n")
    of_metric = below.partition("#")[0].splitlines()
    assert len(of_metric) == 5
    assert all(line.startswith("sightline_packets_total{") for line in of_metric)


def test_the_gauges_of_an_ended_process_are_gone(folder: Path) -> None:
    exposition = Exposition()
    exposition.text()
    for file in folder.glob("gauge_livemax_*.db"):
        file.unlink()
    assert "sightline_camera_live{" not in exposition.text().decode()
    assert lines(exposition.text()) == by_library(folder)
