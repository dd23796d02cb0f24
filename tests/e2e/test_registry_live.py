"""Cameras added, changed and removed while a site runs: the others lose no packet."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from domain.clock import NS_PER_S
from simulator import SimCamera, Simulator
from storage.recordings.ledger import Ledger
from tests.e2e.conftest import Site, camera
from tests.e2e.small import FPS, small_video
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
NAMES = ("quiet-1", "quiet-2", "renamed", "moved", "goes", "comes")


def _is_live(site: Site, name: str) -> bool:
    return bool(site.get(f"/v1/cameras/{name}").json().get("state") == "live")


def _has_left(site: Site, name: str) -> bool:
    return site.get(f"/v1/cameras/{name}").json()["left_registry_at"] is not None


def _write(site: Site, entries: list[dict[str, Any]]) -> None:
    registry = {"version": 1, "areas": {"dan/jun": {"name": "jun"}}, "cameras": entries}
    site.registry.write_text(json.dumps(registry, indent=1), "utf-8")


def _check_unbroken(site: Site, name: str) -> None:
    """Check that no frame is missing within a segment or between two."""
    segments = Ledger(site.layout.recordings).segments(name, 0, 1 << 62)
    frames = 0
    for segment in segments:
        with av.open(str(segment.path)) as container:
            times = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
            time_base = container.streams.video[0].time_base
        assert time_base is not None
        frame = round(1 / FPS / time_base)
        steps = {later - earlier for earlier, later in pairwise(times)}
        assert all(abs(step - frame) <= 0.1 * frame for step in steps), (name, steps)
        frames += len(times)
    for earlier, later in pairwise(segments):
        assert earlier.end_ns is not None
        assert abs(later.start_ns - earlier.end_ns) < 0.5 * NS_PER_S / FPS, (
            f"{name}: a hole before {later.path.name}"
        )
    assert frames > 5 * FPS


def test_a_change_touches_only_what_it_changes(
    make_site: Callable[..., Site], tmp_path: Path
) -> None:
    video = small_video(tmp_path)
    with Simulator([SimCamera(name, video) for name in (*NAMES, "moved-2")]) as simulator:
        entries = {name: camera(name, simulator.url(name)) for name in NAMES}
        site = make_site(
            [entry for name, entry in entries.items() if name != "comes"],
            {"SIGHTLINE_SEGMENT_S": "2"},
        )
        site.start()
        for name in NAMES[:5]:
            wait_for(f"{name} live", partial(_is_live, site, name))
        entries["moved"]["url"] = simulator.url("moved-2")
        entries["renamed"]["name"] = "another name"
        del entries["goes"]
        _write(site, list(entries.values()))
        changes = json.loads(site.run("cameras", "diff", str(site.registry), "--json"))
        assert (changes["added"], changes["removed"]) == (["comes"], ["goes"])
        assert {one["camera_id"]: one["restarts"] for one in changes["changed"]} == {
            "moved": True,
            "renamed": False,
        }

        assert (
            json.loads(site.run("cameras", "apply", str(site.registry), "--json"))["version"] == 2
        )
        wait_for("new camera live", partial(_is_live, site, "comes"))
        wait_for("removed camera marked as such", partial(_has_left, site, "goes"))
        assert "goes" not in {one["id"] for one in site.get("/v1/cameras").json()["items"]}
        assert simulator.counters("moved-2").plays == 1
        assert site.get("/v1/cameras/renamed").json()["name"] == "another name"

        entries["comes"]["class"] = "Z"
        _write(site, list(entries.values()))
        refused = site.run("cameras", "apply", str(site.registry), "--json", code=1)
        (fault,) = json.loads(refused)["faults"]
        assert fault["line"] > 1
        assert site.get("/v1/cameras/comes").json()["class"] == "A"
        reconnects = {
            name: site.get(f"/v1/cameras/{name}").json()["reconnects"] for name in NAMES[:3]
        }
        assert site.stop() == 0
    assert set(reconnects.values()) == {0}
    for name in NAMES[:3]:
        _check_unbroken(site, name)
