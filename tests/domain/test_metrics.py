"""Names and help texts of metrics follow the conventions of Prometheus."""

from __future__ import annotations

import re

import pytest
from prometheus_client import Metric
from prometheus_client.metrics import MetricWrapperBase

from domain import metrics
from domain.media import viewer_metrics
from domain.recordings import analysis_metrics

METRICS = (metrics, viewer_metrics, analysis_metrics)
FAMILIES = [
    family
    for value in (value for module in METRICS for value in vars(module).values())
    if isinstance(value, MetricWrapperBase)
    for family in value.describe()
]
NO_BASE_UNIT = re.compile(r"_(ms|milliseconds|minutes|hours|kb|mb|gb|kbps|percent|part)$")
OPENINGS = ("Number of ", "Total ", "Ratio ", "Whether ", "Mean ", "Time ", "Sum ", "Current ")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_name_has_the_prefix_and_a_base_unit(family: Metric) -> None:
    assert re.fullmatch(r"sightline(_[a-z]+)+", family.name)
    assert not NO_BASE_UNIT.search(family.name)
    if " in seconds" in family.documentation:
        assert family.name.endswith("_seconds")
    if family.documentation.startswith("Ratio "):
        assert family.name.endswith("_ratio")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_help_text_is_one_line_that_says_what_is_measured(family: Metric) -> None:
    text = family.documentation
    assert re.fullmatch(r"[A-Z][^\n]*\.", text)
    if family.type == "counter":
        assert text.startswith(("Number of ", "Total "))
    else:
        assert text.startswith((*OPENINGS, "Camera clock ", "Load shedding "))
