"""Searches over two gates: partial plates, journeys, pages and refusals; then a rebuild."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.clock import parse_rfc3339, rfc3339
from sightline.evaluation.film import duration_s
from simulator import SimCamera, Simulator
from tests.e2e.conftest import Site, camera, have_clips
from tests.footage import Footage
from tests.waiting import PATIENCE_S, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def two_gates(
    tmp_path_factory: pytest.TempPathFactory, models_folder: Path, footage: Footage
) -> Iterator[Site]:
    """Run two gates 2 km apart that see the same vehicles at the same time.

    A busy machine may miss some; `test_checkpoints.py` tests which are found, and these tests use
    those that were.
    """
    video = footage.plates
    with ExitStack() as held:
        with Simulator(
            [SimCamera(path, video, mode="on_first_play", loop=False) for path in ("east", "west")]
        ) as simulator:
            east = camera("east", simulator.url("east"), ["plate"])
            west = camera(
                "west",
                simulator.url("west"),
                ["plate"],
                area="dan/da",
                location={"lon": 111.52, "lat": 32.51},
                **{"class": "B"},
            )
            site = Site(tmp_path_factory.mktemp("two-gates"), [east, west])
            held.callback(site.close)
            site.start()
            site.token()
            last = footage.order()[-1]
            patience_s = duration_s(footage.plates) + PATIENCE_S
            wait_for(
                "last vehicle at both gates",
                lambda: len(site.events(plate=last)) == 2,
                patience_s,
            )
            wait_for("clips of all", partial(have_clips, site))  # no answer changes from here on
        yield site


def test_an_operator_finds_vehicles(two_gates: Site) -> None:
    site = two_gates
    everything = site.events()
    plates = _texts(everything) - {""}
    assert len(plates) >= 8, plates
    for plate in sorted(plates):
        for pattern in (plate[:-1] + "?", "*" + plate[2:], plate[0] + "*" + plate[-2:]):
            # Where a vehicle was not read, its alternatives are found.
            found = _texts(site.events(plate=pattern)) - {""}
            assert found == {one for one in plates if fnmatch(one, pattern)}
    assert {event["camera"] for event in site.events(area="dan/da")} == {"west"}
    assert {event["camera"] for event in site.events(**{"class": "A"})} == {"east"}
    assert site.events(area="dan") == everything

    middle = sorted(event["started_at"] for event in everything)[len(everything) // 2]
    early, late = site.events(to=middle), site.events(**{"from": middle})
    assert {event["id"] for event in early}.isdisjoint(event["id"] for event in late)
    assert len(early) + len(late) == len(everything)

    pages: list[str] = []
    following: str | None = None
    while True:
        answer = site.get(
            "/v1/events", limit=5, order="oldest", **({"next": following} if following else {})
        ).json()
        pages += [event["id"] for event in answer["items"]]
        following = answer["next"]
        if following is None:
            break
    assert pages == sorted(event["id"] for event in everything)


def test_a_journey_joins_the_gates(two_gates: Site, footage: Footage) -> None:
    at_east, at_west = (
        Counter(event["plate"]["text"] for event in two_gates.events(camera=name))
        for name in ("east", "west")
    )
    at_both = [
        plate
        for plate in at_east
        if plate not in {"", *footage.bystanders} and at_east[plate] == at_west[plate] == 1
    ]
    assert at_both, (at_east, at_west)
    journey = two_gates.get("/v1/journeys", plate=at_both[0]).json()
    first, second = journey["sightings"]
    assert {first["camera"], second["camera"]} == {"east", "west"}
    (leg,) = journey["legs"]
    assert (leg["from_camera"], leg["to_camera"]) == (first["camera"], second["camera"])
    assert 1900 < leg["distance_m"] < 2400
    assert leg["seconds"] == pytest.approx(
        (parse_rfc3339(second["best_at"]) - parse_rfc3339(first["best_at"])) / 1e9, abs=0.01
    )
    assert leg["impossible"], "2 km in no time: two vehicles wear one plate"


def test_bad_questions_get_a_plain_answer(two_gates: Site) -> None:
    site = two_gates
    token = {"Authorization": f"Bearer {site.token()}"}
    for path, parameters, status, word in (
        ("/v1/events", {"plate": "no!"}, 400, "plate"),
        ("/v1/events", {"from": "yesterday"}, 400, "from"),
        ("/v1/events", {"colour": "blue"}, 400, "color"),
        ("/v1/events", {"next": "x"}, 400, "next"),
        ("/v1/events/123", {}, 400, "id"),
        ("/v1/events/01KAV9FT3VCYG8S5DWKJXDAWE5", {}, 404, "event"),
        ("/v1/cameras/north", {}, 404, "north"),
    ):
        answer = site.get(path, **parameters)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert word in answer.text
    base = f"http://127.0.0.1:{site.port}"
    unreasoned = httpx.get(f"{base}/v1/events", headers=token, trust_env=False, timeout=PATIENCE_S)
    assert unreasoned.status_code == 403
    assert "X-Reason" in unreasoned.text
    assert (
        httpx.get(
            f"{base}/v1/events", headers={"Authorization": "Bearer sl_wrong"}, trust_env=False
        ).status_code
        == 401
    )
    assert site.get("/v1/events", role="integrator").status_code == 403
    looks = "".join(file.read_text("utf-8") for file in site.layout.audit.iterdir())
    assert "no!" in looks
    assert "test-operator" in looks
    assert site.token() not in looks


def test_a_recording_is_cut(two_gates: Site, tmp_path: Path) -> None:
    site = two_gates
    event = site.events(camera="east")[-1]
    start_ns = parse_rfc3339(event["started_at"])
    answer = site.get(
        "/v1/cameras/east/recording",
        **{"from": rfc3339(start_ns), "to": rfc3339(start_ns + 5_000_000_000)},
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    assert len(answer.content) > 100_000
    nothing = site.get(
        "/v1/cameras/east/recording",
        **{"from": "2020-01-01T00:00:00Z", "to": "2020-01-01T00:01:00Z"},
    )
    assert nothing.status_code == 404


def test_a_second_up_is_refused_and_a_stop_leaves_nothing_behind(two_gates: Site) -> None:
    """From here on the site is stopped and started, so tests that only read come before."""
    site = two_gates
    assert site.run("up", "--registry", str(site.registry), code=1) == ""
    children = [
        site.pid("valkey-server"),
        site.pid("weed"),
        site.pid("sightline.live_process"),
        site.pid("sightline.api_process"),
    ]
    assert wait_for("state", lambda: _state_of(site, "east")) == "unreachable"
    assert site.stop(signal.SIGINT) == 0
    for child in children:
        assert not Path(f"/proc/{child}").exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{site.port}/healthz", trust_env=False, timeout=PATIENCE_S)


def test_an_emptied_index_is_rebuilt_tokens_included(two_gates: Site) -> None:
    site = two_gates
    site.start()
    wait_for("clips of all", partial(have_clips, site))
    before = site.events()
    assert {event["camera"] for event in before} == {"east", "west"}
    assert site.stop() == 0
    shutil.rmtree(site.layout.valkey)
    site.start()
    assert site.get("/v1/events").status_code == 401
    site.run("index", "rebuild")
    assert site.events() == before
    assert site.run("storage", "check").endswith("clean\n")


def _state_of(site: Site, camera_id: str) -> str | None:
    state = site.get(f"/v1/cameras/{camera_id}").json().get("state")
    return state if state in ("unreachable", "wrong_password") else None


def _texts(events: list[dict[str, Any]]) -> set[str]:
    return {event["plate"]["text"] for event in events}
