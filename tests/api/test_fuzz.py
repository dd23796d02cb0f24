"""For any values of the documented parameters, the response is never an internal error."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.requests.cursors import write_cursor
from api.requests.problems import MEDIA_TYPE, Problem
from domain.camera_scope import ALL_CAMERAS
from domain.events.query import EventQuery
from domain.people import Role
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from domain.paths.data_layout import Layout
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

FORMS = [
    "",
    "0",
    "1",
    "-1",
    "1e999",
    "nan",
    "50",
    "vehicle",
    "face",
    "A",
    "鄂F8888?",
    "*",
    "?",
    "鄂F88888",
    "blue",
    "newest",
]
PLACES = ["danjiangkou", "east-gate", "01JD7Z3V5G8M2K4Q6R9T1W3Y5A"]
TIMES = [
    "2025-11-24T16:00:00Z",
    "2025-11-24T16:00:10Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z",
]
LIKELY = st.sampled_from([*FORMS, *PLACES, *TIMES])
VALUES = LIKELY | st.text(max_size=40) | st.integers().map(str)


def test_no_parameter_makes_the_api_fail(site: Site, make_event: MakeEvent) -> None:
    site.context.index.put_all([make_event(0), make_event(5, "west-gate", None)])
    paths = site.http.get(f"{site.url}/openapi.json").json()["paths"]
    routes = sorted(
        path
        for path in paths
        if "get" in paths[path] and path not in ("/", "/openapi.json", "/metrics")
    )
    names = sorted(
        {
            p["name"]
            for path in routes
            for p in paths[path]["get"].get("parameters", [])
            if p["in"] == "query"
        }
    )
    assert {"from", "plate", "next", "min_confidence"} <= set(names)

    @given(data=st.data())
    @settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
    def ask(data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(routes))
        own = sorted(
            p["name"] for p in paths[path]["get"].get("parameters", []) if p["in"] == "query"
        )
        query = data.draw(st.dictionaries(st.sampled_from(own or names), VALUES, max_size=4))
        if path.endswith("/feed"):
            query["seconds"] = "0"  # it ends by itself after an hour
        thing = data.draw(st.sampled_from(["east-gate", make_event(0).id]) | VALUES.filter(bool))
        address = (
            path.replace("{id}", quote(thing, safe="", errors="replace"))
            + "?"
            + urlencode(query, errors="replace")
        )
        reason = data.draw(
            st.just("a test") | st.text(max_size=20).map(lambda text: quote(text, errors="replace"))
        )
        answer = site.get(address, Role.INVESTIGATOR, reason=reason)
        if answer.status_code >= 400 and path != "/readyz":
            assert answer.status_code != 500, f"{address}: {answer.text}"
            assert answer.headers["Content-Type"] == MEDIA_TYPE
            Problem.model_validate_json(answer.content)

    ask()


LAST_MOMENTS = "from=9999-12-31T23:30:00Z&to=9999-12-31T23:59:59Z"


@pytest.mark.parametrize(
    "address",
    [
        "/v1/cameras/east-gate/segments/east-gate_99999999999999999999_1_1.mp4",
        f"/v1/cameras/east-gate/segments/east-gate_{'9' * 5000}_1_1.mp4",
        "/v1/cameras/east-gate/segments/east-gate_253402300799998_1_1.mp4",
        "/v1/cameras/east-gate/segments/east-gate_99999999999999999999_open_1.mp4",
        "/v1/cameras/east-gate/segments/east-gate_1_1_99999999999999999999.mp4",
        "/v1/cameras/east-gate/segments/east-gate_0_1_1.mp4",
        "/v1/cameras/east-gate/picture?at=9999-12-31T23:59:59Z",
        "/v1/cameras/east-gate/picture?at=1970-01-01T00:00:00Z",
        f"/v1/cameras/east-gate/recording?{LAST_MOMENTS}",
        f"/v1/cameras/east-gate/coverage?{LAST_MOMENTS}",
        f"/v1/cameras/east-gate/playlist?{LAST_MOMENTS}",
        f"/v1/cameras/east-gate/keyframes?{LAST_MOMENTS}",
        f"/v1/events?{LAST_MOMENTS}",
        f"/v1/events/histogram?{LAST_MOMENTS}",
        "/v1/events/7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "/v1/events/7ZZZZZZZZZZZZZZZZZZZZZZZZZ/clip",
        "/v1/events/00000000000000000000000000/snapshot",
        f"/v1/journeys?plate=%E9%84%82F88888&{LAST_MOMENTS}",
    ],
)
def test_no_number_in_an_address_makes_the_api_fail(
    site: Site, record: Callable[[Layout, str, int, float], Path], address: str
) -> None:
    """The values are extreme numbers, and numbers derived from names, ids and times."""
    record(site.layout, "east-gate", 1_764_000_000_000_000_000, 2)
    site.hold("east-gate")
    answer = site.get(address)
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    ("fuzzy", "place"),
    [
        (False, "x"),
        (False, "1." + "0" * 26),
        (True, "x"),
        (True, "99."),
        (True, "1.x"),
        (True, "-1."),
    ],
)
def test_a_forged_cursor_is_refused(site: Site, fuzzy: bool, place: str) -> None:
    """Anyone who reads the source can compute its mark."""
    query = EventQuery(plate="鄂F88888", fuzzy=fuzzy)
    words = {
        "plate": query.plate,
        "fuzzy": int(fuzzy),
        "next": write_cursor(query, ALL_CAMERAS, place),
    }
    answer = site.get(f"/v1/events?{urlencode(words)}")
    assert (answer.status_code, answer.json()["field"]) == (400, "next")
