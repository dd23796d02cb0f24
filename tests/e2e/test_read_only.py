"""The data folder becomes read-only under a running site, as after a disk error, and writable
again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from domain.clock import SystemClock
from simulator import SimCamera, Simulator
from storage.recordings.ledger import Ledger
from tests.e2e.conftest import Site, camera
from tests.e2e.small import small_video
from tests.unwritable import unwritable
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def _alarms(site: Site) -> list[str]:
    return [alarm["name"] for alarm in site.get("/v1/alarms").json()["items"]]


def _is_recorded_after(site: Site, at_ns: int) -> bool:
    return any(
        segment.start_ns > at_ns
        for segment in Ledger(site.layout.recordings).segments("gate", 0, 1 << 62)
    )


def test_a_read_only_disk_ends_recording_and_nothing_else(
    make_site: Callable[..., Site], tmp_path: Path
) -> None:
    """A worker is killed meanwhile; its files cannot be removed, and it restarts later.

    Evidence is refused, because accesses cannot be audited.
    """
    with Simulator([SimCamera("gate", small_video(tmp_path))]) as simulator:
        site = make_site([camera("gate", simulator.url("gate"))], {"SIGHTLINE_SEGMENT_S": "2"})
        site.start()
        for role in ("operator", "admin"):  # While the disk is read-only no person can be added.
            site.token(role)
        clock = SystemClock()
        wait_for("recording", partial(_is_recorded_after, site, 0))
        worker = site.pid("sightline.worker", "--index 0")
        with unwritable(site.data):
            wait_for("alarm", lambda: "disk_unwritable" in _alarms(site))
            dependencies = site.get("/readyz", role="admin").json()["dependencies"]
            disk = next(one for one in dependencies if one["name"] == "disk")
            assert (disk["ok"], "is not writable" in disk["why"]) == (False, True)
            assert site.pid("sightline.worker", "--index 0") == worker
            site.kill("sightline.worker", "--index 0")
            wait_for(
                "try to start it",
                lambda: "cannot be started" in (site.folder / "up.log").read_text(),
            )
            assert site.get("/v1/cameras").status_code == 200
            refused = site.get("/v1/events")
            assert (refused.status_code, refused.json()["type"]) == (
                503,
                "urn:sightline:problem:audit_unavailable",
            )
            writable_ns = clock.wall_ns()
        wait_for("recording", partial(_is_recorded_after, site, writable_ns))
        wait_for("end of the alarm", lambda: not _alarms(site))
        assert site.get("/v1/events").status_code == 200
        assert site.stop() == 0
