"""All metrics of a node in the Prometheus text format.

A node with thousands of cameras has tens of thousands of series. Nearly all are counters, and
gauges of the mode `livemax`: they are merged here, and the text before each value is kept from one
request to the next. The library merges all others, and writes the headers.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Metric, generate_latest
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

_FILE = re.compile(r"(counter|gauge)_(?:livemax_)?\d+\.db")
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_MERGES: dict[str, Callable[[float, float], float]] = {"counter": float.__add__, "gauge": max}
"""How the values of two processes become one, by the type of the metric."""


class _Series(NamedTuple):
    """The text of one series: the header of its metric, and what precedes its value."""

    header: str
    prefix: str


class Exposition:
    """Writes the metrics of all processes of the node. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[str, _Series] = {}
        """The series of the last call, by their keys in the files."""

    def text(self) -> bytes:
        """Return the metrics; those of this process alone if no folder is shared."""
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if folder is None:
            return generate_latest(REGISTRY)
        kinds = {file: _FILE.fullmatch(file.name) for file in sorted(Path(folder).glob("*.db"))}
        with self._lock:
            own = self._merged([(file, kind[1]) for file, kind in kinds.items() if kind])
        return own.encode() + _of_library([file for file, kind in kinds.items() if not kind])

    def _merged(self, files: Sequence[tuple[Path, str]]) -> str:
        series: dict[str, _Series] = {}
        metrics: dict[str, dict[str, float]] = {}
        for file, kind in files:
            merge = _MERGES[kind]
            try:
                values = MmapedDict.read_all_values_from_file(file)
            except FileNotFoundError:
                continue  # Its process ended meanwhile, and its gauges with it.
            for key, value, _, _ in values:
                one = series.get(key) or self._series.get(key) or _series(key, kind)
                series[key] = one
                found = metrics.setdefault(one.header, {})
                before = found.get(one.prefix)
                found[one.prefix] = value if before is None else merge(before, value)
        self._series = series
        return "".join(_lines(header, found) for header, found in metrics.items())


def _lines(header: str, values: dict[str, float]) -> str:
    lines = (f"{prefix}{floatToGoString(value)}\n" for prefix, value in values.items())
    return header + "".join(lines)


def _series(key: str, kind: str) -> _Series:
    """Return the text of the series with this key, by which the library stores its value."""
    metric, name, labels, description = json.loads(key)
    pairs = (f'{label}="{value.translate(_ESCAPES)}"' for label, value in sorted(labels.items()))
    prefix = f"{name}{{{','.join(pairs)}}} " if labels else f"{name} "
    return _Series(_header(metric, description, kind), prefix)


@lru_cache(maxsize=1024)
def _header(metric: str, description: str, kind: str) -> str:
    return _text([Metric(metric, description, kind)])


def _of_library(files: Sequence[Path]) -> bytes:
    """Return the metrics of these files as the library merges them."""
    merged = MultiProcessCollector.merge(map(str, files))
    return _text(merged).encode()


def _text(metrics: Iterable[Metric]) -> str:
    registry = CollectorRegistry()
    registry.register(_Collected(metrics))
    return generate_latest(registry).decode()


class _Collected(Collector):
    """Metrics that are already collected."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics
