"""The output of a healthy start: each step, no warning, and the URL last."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Site, descendants

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FIRST_PERSON = (
    "no person can sign in yet: `sightline user add NAME --role investigator --data {data}` "
    "adds one and prints the token"
)
STEPS = [
    "servers: starting Valkey",
    "servers: starting SeaweedFS with its certificates",
    "workers: starting the live process",
    "workers: starting worker-0",
    "API: starting api",
    "1 camera worker runs",
    FIRST_PERSON,
    "Ctrl-C stops",
    "stopping …",
    "stopped",
]


def test_a_healthy_start_names_its_steps_and_leaves_nothing(make_site: Callable[..., Site]) -> None:
    site = make_site([], {"SIGHTLINE_WORKERS": "1"})
    site.start()
    store = Path(f"/proc/{site.pid('weed')}/cmdline").read_text()
    sockets = [
        path
        for port in re.findall(r"port\.grpc=(\d+)", store)
        for path in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock")
    ]
    assert len(sockets) == 4
    children = descendants(site.process_id)
    assert site.stop() == 0
    said = (site.folder / "up.log").read_text("utf-8").splitlines()
    steps = [step.format(data=site.data) for step in STEPS]
    assert [line for line in said if not _is_information(line)] == steps
    assert not [path for path in sockets if path.exists()]
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def _is_information(line: str) -> bool:
    return bool(re.match(r"\d{4}-\d\d-\d\d \S+ INFO ", line))
