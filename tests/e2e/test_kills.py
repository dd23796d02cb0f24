"""Every process killed in the middle of traffic: no passing that had left the view is missing, none is double, the stores agree."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sightline.simulator import SimCamera, Simulator
from tests.e2e.conftest import PARKED, Site, camera, have_clips, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def _plates(events: list[dict[str, Any]]) -> Counter[str]:
    return Counter(event["plate"]["text"] for event in events if event["kind"] == "vehicle" and event["plate"]["text"] != PARKED)


def _count(site: Site, plate: str) -> int:
    return _plates(site.events())[plate]


def _passed(footage: Path) -> list[str]:
    return [passing["plate"] for passing in json.loads((footage / "checkpoint-plates.json").read_text("utf-8"))["passes"]]


def test_each_process_is_killed_once(make_site: Callable[..., Site], footage: Path) -> None:
    """The worker while the third vehicle is in view, Valkey at the fifth, SeaweedFS at the sixth, live and API at the ninth."""
    video = SimCamera("gate", footage / "checkpoint-plates.mp4", mode="on_first_play", loop=False)
    with Simulator([video]) as simulator:
        site = make_site([camera("gate", simulator.url("gate"), ["plate"])])
        site.start()
        site.token()
        order = _passed(footage)
        for after, victim in ((2, ("sightline.worker", "--index 0")), (4, ("valkey-server",)), (5, ("weed",)), (8, ("sightline.live",))):
            wait_for(f"passing {after}", partial(_count, site, order[after - 1]))
            site.kill(*victim)
        site.kill("sightline.web")
        wait_for("last passing", partial(_count, site, order[-1]))
        wait_for("clips of all", partial(have_clips, site))
        found = _plates(site.events())
        assert set(found.values()) == {1}, "none is double"
        # The one that was in view when the worker died may be gone; of the others each has its event, and at most one a wrong plate.
        assert len(order) - 1 <= found.total() <= len(order), found
        assert len(set(found) & set(order)) >= found.total() - 1, found
        assert site.run("storage", "check", "--deep").endswith("clean\n")


def test_a_store_away_for_a_while_delays_clips_and_loses_none(make_site: Callable[..., Site], footage: Path) -> None:
    """SeaweedFS stopped (not dead, the worse case): events are searchable all the while, pictures come through the door, clips follow."""
    video = SimCamera("gate", footage / "checkpoint-plates.mp4", mode="on_first_play", loop=False)
    with Simulator([video]) as simulator:
        site = make_site([camera("gate", simulator.url("gate"), ["plate"])])
        site.start()
        site.token()
        wait_for("first event", site.events)
        weed = site.pid("weed")
        os.kill(weed, signal.SIGSTOP)
        try:
            wait_for("four events", lambda: len(site.events()) >= 4)
            newest = site.events()[0]
            assert not newest["clip_ready"]
            picture = site.get(newest["snapshot"])
            assert picture.status_code == 200
            assert picture.content.startswith(b"\xff\xd8")
        finally:
            os.kill(weed, signal.SIGCONT)
        wait_for("clips of all", partial(have_clips, site))
        assert site.run("storage", "check").endswith("clean\n")
