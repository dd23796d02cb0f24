"""Names and help texts of metrics follow the conventions of Prometheus."""

from __future__ import annotations

import ast
import re

import pytest
from prometheus_client import Metric

from tests.declared_metrics import METRICS, MODULES
from tests.source_tree import path_of, product_modules, tree_of

FAMILIES = [family for metric in METRICS for family in metric.describe()]
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


def test_metrics_are_declared_in_modules_of_their_own() -> None:
    """Otherwise the tests of metrics and of their documentation miss one."""
    others = [
        path_of(file)
        for file in product_modules()
        if file not in MODULES
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Call) and _first_text(node).startswith("sightline_")
    ]
    assert others == []


def _first_text(call: ast.Call) -> str:
    if call.args and isinstance(first := call.args[0], ast.Constant):
        return str(first.value)
    return ""
