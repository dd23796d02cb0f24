"""Two nodes and an API: a node dies, its cameras are recorded elsewhere, and it returns."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.city import CLOCK, City, until
from domain.clock import NS_PER_S, parse_rfc3339, rfc3339
from simulator import SimCamera, Simulator
from tests.e2e.conftest import camera
from tests.e2e.small import small_video
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
NAMES = [f"cam-{number}" for number in range(8)]
TAKEN_OVER_WITHIN_S = 10.0


def _now_s() -> float:
    return CLOCK.wall_ns() / NS_PER_S


def _is_even(city: City) -> bool:
    return min(len(city.held_by(name)) for name in city.nodes) >= 3 and len(city.leases()) == len(
        NAMES
    )


def test_a_dead_node_is_replaced_and_a_new_one_costs_no_packet(tmp_path: Path) -> None:
    video = small_video(tmp_path)
    with Simulator([SimCamera(name, video) for name in NAMES]) as simulator:
        cameras = [camera(name, simulator.url(name)) for name in NAMES]
        with City(tmp_path / "city", cameras, ("north", "south")) as city:
            until("even load", lambda: _is_even(city), PATIENCE_S)
            until("recording of all", lambda: city.all_record(_now_s() - 3), PATIENCE_S)
            lost, begun_ns = city.held_by("north"), CLOCK.wall_ns() - NS_PER_S

            killed_s = _now_s()
            city.nodes["north"].kill()
            assert (
                until("take-over", lambda: city.all_record(killed_s + 0.5), 2 * TAKEN_OVER_WITHIN_S)
                < TAKEN_OVER_WITHIN_S
            )
            until("leases of all", lambda: city.held_by("south") == set(NAMES), PATIENCE_S)
            moved = sorted(lost)[0]
            assert city.get(f"/v1/cameras/{moved}/picture").status_code == 200
            until(
                "state",
                lambda: city.get(f"/v1/cameras/{moved}").json()["state"] == "live",
                PATIENCE_S,
            )

            whole_from_s = _now_s()
            city.nodes["north"].start()
            until(
                "even load again",
                lambda: (
                    _is_even(city)
                    and len(city.nodes["south"].statuses()) == len(city.held_by("south"))
                ),
                PATIENCE_S,
            )
            until("recording of all", lambda: city.all_record(_now_s() - 3), PATIENCE_S)
            covered = city.get(
                f"/v1/cameras/{moved}/coverage",
                **{"from": rfc3339(begun_ns), "to": rfc3339(CLOCK.wall_ns())},
            ).json()
            assert covered["offline"] == []
            ranges_ns = [
                (parse_rfc3339(gap["from"]), parse_rfc3339(gap["to"])) for gap in covered["gaps"]
            ]
            # One hole, whose parts may have different causes: the lost node, then the connection.
            assert all(ends == starts for (_, ends), (starts, _) in pairwise(ranges_ns)), covered
            assert 0 < ranges_ns[-1][1] - ranges_ns[0][0] < TAKEN_OVER_WITHIN_S * NS_PER_S, covered
            assert city.nodes["south"].stop() == 0
            assert city.held_by("north") == set(NAMES)
            until("a second more", lambda: city.all_record(_now_s() - 1), PATIENCE_S)
            assert city.nodes["north"].stop() == 0
            holes = {name: city.longest_gap_s(name, whole_from_s) for name in NAMES}
            assert max(holes.values()) < 0.5, holes
