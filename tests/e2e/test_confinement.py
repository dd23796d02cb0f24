"""The processes of a running site are confined, and record, analyse and search as before."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from simulator import SimCamera, Simulator
from tests.e2e.conftest import Site, camera, descendants, have_clips
from tests.footage import Footage
from tests.sightline.confinement.confined import requires_confinement
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600), requires_confinement]
CONFINED = (
    "sightline.worker",
    "sightline.live_process",
    "sightline.api_process",
    "sightline.media_process",
)
USED_CAPABILITIES = 0b100_0000_1110
REFUSALS = ("Permission denied", "PermissionError", "Operation not permitted", "not confined by")


def _has_picture(site: Site) -> bool:
    """Return whether there is a current picture; a busy machine may need several requests."""
    answer = site.get("/v1/cameras/gate/picture")
    assert answer.status_code in (200, 503, 504), answer.text
    return answer.headers["content-type"] == "image/jpeg"


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_confined_processes_do_all_of_their_work(
    make_site: Callable[..., Site], footage: Footage
) -> None:
    film = footage.plates
    with Simulator([SimCamera("gate", film)]) as simulator:
        site = make_site([camera("gate", simulator.url("gate"), ["plate"])])
        site.start()
        wait_for("events with clips", partial(have_clips, site))
        wait_for("a picture", partial(_has_picture, site))
        # A vehicle that has passed since has no clip yet.
        event = next(one for one in site.events() if one["clip_ready"])
        assert site.get(f"/v1/events/{event['id']}/clip").status_code == 200
        seen = set()
        with site.media_process():
            for pid in descendants(site.process_id):
                words = (
                    Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().split()
                )
                if "sightline.forking.server" in words:
                    continue
                for kind in CONFINED:
                    if kind in words:
                        seen.add(kind)
                        status = _status(pid)
                        assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")
                        assert int(status["CapEff"], 16) & ~USED_CAPABILITIES == 0
        assert seen == set(CONFINED)
        readiness = site.get("/readyz")
        assert readiness.json().get("warnings") == [], readiness.text
        metrics = site.get("/metrics", "admin").text
        labels = 'component="worker-0",mechanism="landlock"'
        assert f"sightline_process_confined{{{labels}}} 1.0" in metrics
        assert site.stop() == 0
    for log in site.layout.logs.glob("*.log"):
        text = log.read_text()
        assert not [refusal for refusal in REFUSALS if refusal in text], log.name
