"""How a worker's cameras are, in a file of its own: the node's door answers from it, also while Redis is away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from domain.layout import Layout
from domain.states import CameraStatus
from sightline.instance import write_atomically

_STATUSES = TypeAdapter(list[CameraStatus])


def status_file(layout: Layout, worker: int) -> Path:
    """Appears once the worker runs."""
    return layout.statuses / f"{worker}.json"


def write_statuses(layout: Layout, worker: int, statuses: Sequence[CameraStatus]) -> None:
    text = json.dumps([asdict(status) for status in statuses])
    write_atomically(status_file(layout, worker), text, durable=False)


def read_statuses(layout: Layout) -> list[CameraStatus]:
    """What the node's workers last said; a worker that never said anything is missing."""
    found: list[CameraStatus] = []
    for file in sorted(layout.statuses.glob("*.json")):
        found += _STATUSES.validate_json(file.read_text("utf-8"))
    return found
