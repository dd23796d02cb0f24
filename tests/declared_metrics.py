"""The metrics of Sightline: what the modules of `domain` declare whose names end with `metrics`."""

from __future__ import annotations

from importlib import import_module

from prometheus_client.metrics import MetricWrapperBase

from tests.source_tree import ROOT, path_of, product_modules

MODULES = [
    file
    for file in product_modules()
    if file.stem.endswith("metrics") and file.is_relative_to(ROOT / "domain")
]
METRICS = [
    value
    for file in MODULES
    for value in vars(import_module(path_of(file.with_suffix("")).replace("/", "."))).values()
    if isinstance(value, MetricWrapperBase)
]
