"""A person of one area gets no byte of another area, by any route and any parameter.

The walk follows the declarations and the OpenAPI description. A new route or a new parameter fails
the test until the tables here have an entry for it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from api.requests.declarations import Access, Declaration, Scope
from api.routes import ROUTES
from domain.camera_scope import CameraScope
from domain.clock import NS_PER_S, rfc3339
from domain.registry import Registry
from tests.api.live.live_client import refused
from tests.security.two_areas import (
    BRAVO_PLATE,
    REGISTRY,
    SHARED_PLATE,
    START_NS,
    Running,
    TwoAreas,
    event_of,
    two_areas,
)
from tests.sse import messages

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite

SINCE, UNTIL = rfc3339(START_NS), rfc3339(START_NS + 600 * NS_PER_S)
UNKNOWN_EVENT = event_of("alpha-gate", 555, SHARED_PLATE).id
FAR_UNTIL = "2099-01-01T00:00:00Z"

PARAMETERS: dict[str, tuple[str, str]] = {
    "camera": ("bravo-gate", "never-gate"),
    "area": ("bravo", "never"),
    "plate": (BRAVO_PLATE, "京B99999"),
    "start": (BRAVO_PLATE[:5], "京B99"),
    "near": ("114.7,30.7123,5000", "100.1,20.1,5000"),
    "within": ("114,30;115,30;115,31", "100,20;101,20;101,21"),
}
"""Parameters that can name something of `bravo`, with a value that names nothing at all."""
NEUTRAL: dict[str, tuple[str, ...]] = {
    "kind": ("vehicle", "face"),
    "class": ("A", "C"),
    "color": ("blue",),
    "min_confidence": ("0.5",),
    "direction": ("unknown",),
    "lane": ("0",),
    "order": ("oldest",),
    "fuzzy": ("1",),
    "limit": ("1",),
    "former": ("1",),
    "unknown": ("1",),
    "around": ("10",),
    "buckets": ("10",),
    "bucket_s": ("60",),
    "every": ("1",),
    "ended": ("1",),
    "closed": ("1",),
    "pending": ("1",),
    "stream": ("sub",),
    "detections": ("1",),
    "sound": ("1",),
    "language": ("zh-CN",),
    "at": (SINCE,),
    "part": ("head",),
    "v": ("0123456789ab",),
    "zero": (SINCE,),
    "after": ("0",),
    "reason": ("a test",),
    "state": ("unreachable",),
    "format": ("csv", "ndjson"),
}
BOUNDS = {"from": SINCE, "to": UNTIL, "seconds": "0", "after": "0", "reason": "a test"}
"""Given whenever a route has them, so that an answer does not depend on the time of the test."""
OTHERS = {"next", "ticket", "plate"}
"""Tried by tests of their own; a plate is also given where it is required."""
BODIES: dict[str, list[dict[str, Any] | str]] = {
    "POST /v1/cameras/{id}/triggers": [{"reason": "a test"}],
    "POST /v1/cameras/{id}/whep": ["v=0"],
    "PATCH /v1/cameras/{id}/whep/{session}": ["a=ice-ufrag:abcd"],
    "DELETE /v1/cameras/{id}/whep/{session}": [{}],
    "POST /v1/holds": [
        {"camera": "$camera", "from": SINCE, "to": UNTIL, "reason": "a test"},
        {"event": "$event", "reason": "a test"},
    ],
    "PATCH /v1/holds/{id}": [{"until": FAR_UNTIL, "reason": "a test"}],
    "DELETE /v1/holds/{id}": [{}],
    "POST /v1/watches": [
        {"plate": SHARED_PLATE, "until": FAR_UNTIL, "reason": "a test", "case": "1"}
    ],
    "PATCH /v1/watches/{id}": [{"until": FAR_UNTIL, "reason": "a test"}],
    "DELETE /v1/watches/{id}": [{}],
    "POST /v1/exports": [
        {"ranges": [{"camera": "$camera", "from": SINCE, "to": UNTIL}], "reason": "a test"}
    ],
    "DELETE /v1/exports/{id}": [{}],
    "POST /v1/saved-views": [{"name": "alpha view", "tiles": 1, "cameras": ["$camera"]}],
    "PATCH /v1/saved-views/{id}": [{"name": "alpha view"}],
    "DELETE /v1/saved-views/{id}": [{}],
    "POST /v1/cases": [{"number": "alpha case", "title": "alpha", "reason": "a test"}],
    "PATCH /v1/cases/{id}": [{"state": "closed", "reason": "a test"}],
    "POST /v1/approvals": [
        {"call": "camera.picture", "terms": {"id": "$camera"}, "reason": "a test"},
        {"call": "event.read", "terms": {"id": "$event"}, "reason": "a test"},
    ],
    "PATCH /v1/approvals/{id}": [{"decision": "approved", "reason": "a test"}],
    "PATCH /v1/emergencies/{id}": [{"verdict": "justified", "reason": "a test"}],
    "POST /v1/session": [{"name": "alpha-person", "password": "a password"}],
    "PUT /v1/session/password": [{"old_password": "a", "new_password": "b"}],
    "POST /v1/session/second-factor": [{"password": "a password"}],
    "PUT /v1/session/second-factor": [{"code": "123456"}],
    "PATCH /v1/session": [{"reason": "a test"}],
    "DELETE /v1/session": [{}],
    "DELETE /v1/session/openid": [{}],
    "POST /v1/session/openid/back-channel-logout": [{}],
    "DELETE /v1/sessions/{id}": [{}],
    "PATCH /v1/events/{id}": [{"plate": "鄂A22222", "reason": "a test", "version": 0}],
}
"""The bodies of every change; `$camera` and `$event` stand for a thing of the area."""
GUARDED = [route for route in ROUTES if route.right is not Access.ANYONE]


def _named(route: Declaration) -> str:
    return f"{route.method} {route.path}"


def _names_of(areas: TwoAreas) -> dict[str, tuple[str, str, str]]:
    """Return by the start of a path: a thing of alpha, one of bravo, and one that never was."""
    return {
        "/v1/cameras": ("alpha-gate", "bravo-gate", "never-gate"),
        "/v1/events": (areas.alpha_events[0].id, areas.bravo_events[0].id, UNKNOWN_EVENT),
        "/v1/holds": ("20261124-aaaaaaaa", areas.bravo_hold, "20261124-cccccccc"),
        "/v1/exports": ("20261124-aaaaaaaa", areas.bravo_export, "20261124-cccccccc"),
        "/v1/saved-views": ("20261124-aaaaaaaa", areas.bravo_saved_view, "20261124-cccccccc"),
        "/v1/watches": ("20261124-aaaaaaaa", areas.bravo_watch, "20261124-cccccccc"),
        "/v1/cases": ("a" * 32, areas.bravo_case, "c" * 32),
        "/v1/approvals": ("20261124-aaaaaaaa", areas.bravo_approval, "20261124-cccccccc"),
        "/v1/emergencies": (
            f"20261124-{'a' * 16}",
            areas.bravo_emergency,
            f"20261124-{'c' * 16}",
        ),
        "/v1/sessions": ("a" * 32, areas.bravo_session, "c" * 32),
    }


def _thing(things: dict[str, tuple[str, str, str]], route: Declaration) -> tuple[str, str, str]:
    found = (names for start, names in things.items() if route.path.startswith(start))
    return next(found, ("", "", ""))


@pytest.fixture(params=[False, True], ids=["index", "archive"])
def areas(open_site: OpenSite, request: pytest.FixtureRequest) -> TwoAreas:
    return two_areas(open_site, is_archived=request.param)[0]


@pytest.fixture
def moving(open_site: OpenSite) -> tuple[TwoAreas, Running]:
    return two_areas(open_site)


def _send(
    areas: TwoAreas,
    route: Declaration,
    path: str,
    query: dict[str, str],
    body: object = None,
    token: str | None = None,
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token or areas.alpha}", "X-Reason": "a test"}
    address = f"{areas.site.url}{path}" + (f"?{urlencode(query)}" if query else "")
    if isinstance(body, str):
        headers["Content-Type"] = route.body_type
        return areas.site.http.request(route.method, address, headers=headers, content=body)
    return areas.site.http.request(
        route.method, address, headers=headers, json=body if body else None
    )


def _text(answer: httpx.Response) -> str:
    """Return everything that a client gets, also what base64 in it says."""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    raw = answer.content.decode("utf-8", errors="replace")
    decoded = "".join(
        base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode("utf-8", errors="replace")
        for word in re.findall(r"[A-Za-z0-9_-]{16,}", raw)
        if len(word) % 4 != 1
    )
    return "\n".join((headers, raw, decoded))


def _comparable(answer: httpx.Response, *names: str) -> tuple[int, str]:
    """Return an answer without the names that the request had, its id and its date."""
    text = answer.text
    for name in names:
        text = text.replace(name, "NAME")
    return answer.status_code, re.sub(r"urn:sightline:request:\w+", "", text)


def _parameters(areas: TwoAreas, route: Declaration) -> list[str]:
    found = areas.site.http.get(f"{areas.site.url}/openapi.json").json()["paths"]
    operation = found[route.path][route.method.lower()]
    return [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]


def _queries(areas: TwoAreas, route: Declaration) -> Iterator[tuple[dict[str, str], str, str]]:
    """Yield queries with a value of bravo and the value that names nothing; both may be empty."""
    names = _parameters(areas, route)
    unknown = set(names) - set(PARAMETERS) - set(NEUTRAL) - set(BOUNDS) - OTHERS
    assert not unknown, f"{_named(route)}: say in this test what {unknown} may name"
    base = {name: value for name, value in BOUNDS.items() if name in names}
    if route.path == "/v1/journeys":
        base["plate"] = SHARED_PLATE
    if route.path == "/v1/plates":
        base["start"] = BRAVO_PLATE[:5]
    yield base, "", ""
    for name in names:
        for value in NEUTRAL.get(name, ()):
            more = {"plate": SHARED_PLATE} if name == "fuzzy" else {}
            yield base | more | {name: value}, "", ""
        if name in PARAMETERS:
            bravo, nothing = PARAMETERS[name]
            yield base | {name: bravo}, bravo, nothing


def _path(route: Declaration, name: str, segment: str) -> str:
    path = route.path.replace("{id}", quote(name)).replace("{name}", segment)
    return path.replace("{session}", "a-session")


def test_no_answer_has_a_byte_of_another_area(areas: TwoAreas) -> None:
    things = _names_of(areas)
    for route in GUARDED:
        if route.scope is Scope.WHOLE_SITE:
            continue  # refused without a look at any parameter
        alpha = _thing(things, route)[0]
        for query, bravo, nothing in _queries(areas, route):
            if route.is_change:
                continue
            answer = _send(areas, route, _path(route, alpha, "x"), query)
            assert answer.status_code != 500, f"{_named(route)} {query}: {answer.text}"
            said = _text(answer).replace(bravo, "") if bravo else _text(answer)
            leaked = [secret for secret in areas.secrets if secret in said]
            assert not leaked, f"{_named(route)} {query} has {leaked}: {answer.text[:500]}"
            if bravo:
                named = {
                    name: nothing if value == bravo else value for name, value in query.items()
                }
                other = _send(areas, route, _path(route, alpha, "x"), named)
                assert _comparable(answer, bravo) == _comparable(other, nothing), (
                    f"{_named(route)} {query}"
                )


def test_the_walk_finds_what_it_looks_for(areas: TwoAreas) -> None:
    """A person without limits gets texts of bravo by most routes, so the test can see a leak."""
    things = _names_of(areas)
    silent = []
    for route in GUARDED:
        if route.is_change or route.scope in (Scope.NONE, Scope.WHOLE_SITE):
            continue
        bravo = _thing(things, route)[1]
        query = next(iter(_queries(areas, route)))[0]
        answer = _send(
            areas, route, _path(route, bravo, areas.bravo_segment), query, token=areas.everyone
        )
        if not any(secret in _text(answer) for secret in areas.secrets):
            silent.append(_named(route))
    # Tickets and counts name no camera, no session is open, and no clip was stored. The files are
    # binary, and their names are in the request; `test_a_thing_of_another_area…` covers them.
    assert set(silent) <= {
        "GET /v1/events/feed/ticket",
        "GET /v1/watches/feed/ticket",
        "GET /v1/events/histogram",
        "GET /v1/events/{id}/clip",
        "GET /v1/cameras/{id}/keyframes",
        "GET /v1/cameras/{id}/live",
        "GET /v1/cameras/{id}/recording",
        "GET /v1/cameras/{id}/segments/{name}",
        "GET /v1/cameras/{id}/whep/{session}/state",
    }, silent


def test_a_thing_of_another_area_is_answered_like_one_that_never_was(areas: TwoAreas) -> None:
    things = _names_of(areas)
    for route in GUARDED:
        if "{id}" not in route.path:
            continue
        _, bravo, never = _thing(things, route)
        query = next(iter(_queries(areas, route)))[0]
        for body in BODIES.get(_named(route), [{}]):
            answers = [
                _send(areas, route, _path(route, name, areas.bravo_segment), query, body)
                for name in (bravo, never)
            ]
            assert _comparable(answers[0], bravo) == _comparable(answers[1], never), _named(route)
            assert answers[0].status_code == 404, f"{_named(route)}: {answers[0].text}"
            assert set(answers[0].headers) == set(answers[1].headers)


def test_a_handshake_for_a_camera_of_another_area_is_refused_like_one_that_never_was(
    areas: TwoAreas,
) -> None:
    sockets = [route for route in GUARDED if route.upgrades]
    assert [_named(route) for route in sockets] == ["GET /v1/cameras/{id}/live"]
    headers = {"Authorization": f"Bearer {areas.alpha}", "X-Reason": "a test"}
    for route in sockets:
        found = []
        for name in ("bravo-gate", "bravo-former", "never-gate"):
            status, problem = refused(areas.site, _path(route, name, ""), headers)
            del problem["instance"]
            found.append((status, json.dumps(problem).replace(name, "NAME")))
        assert found[0] == found[1] == found[2]
        assert found[0][0] == 404


def test_a_change_cannot_name_a_thing_of_another_area(areas: TwoAreas) -> None:
    assert {
        _named(route) for route in ROUTES if route.is_change and route.scope is not Scope.WHOLE_SITE
    } == set(BODIES)
    naming = (
        "POST /v1/holds",
        "POST /v1/approvals",
        "POST /v1/exports",
        "POST /v1/saved-views",
    )
    routes = {_named(one): one for one in ROUTES if _named(one) in naming}
    for name, body in [(one, body) for one in naming for body in BODIES[one]]:
        route, found = routes[name], []
        for camera, event in (
            ("bravo-gate", areas.bravo_events[0].id),
            ("never-gate", UNKNOWN_EVENT),
        ):
            filled = json.loads(
                json.dumps(body).replace("$camera", camera).replace("$event", event)
            )
            found.append(_comparable(_send(areas, route, route.path, {}, filled), camera, event))
        assert found[0] == found[1]
        assert found[0][0] == 404


def test_routes_of_the_whole_site_are_refused(areas: TwoAreas) -> None:
    for route in ROUTES:
        if route.scope is Scope.WHOLE_SITE:
            answer = _send(areas, route, _path(route, "x", "x"), {})
            assert answer.status_code == 403, _named(route)
            assert "the whole site" in answer.json()["detail"]
            assert not any(secret in _text(answer) for secret in areas.secrets)


def test_details_of_readiness_are_for_the_whole_site(areas: TwoAreas) -> None:
    headers = {"Authorization": f"Bearer {areas.alpha}"}
    answer = areas.site.http.get(f"{areas.site.url}/readyz", headers=headers)
    assert "bravo" not in answer.text
    headers = {"Authorization": f"Bearer {areas.everyone}"}
    answer = areas.site.http.get(f"{areas.site.url}/readyz", headers=headers)
    assert "bravo" in answer.text


def test_pages_are_full_although_they_are_filtered(areas: TwoAreas) -> None:
    (search,) = [route for route in ROUTES if _named(route) == "GET /v1/events"]
    found: list[str] = []
    query = {"limit": "1", "from": SINCE, "to": UNTIL}
    while True:
        page = _send(areas, search, search.path, query).json()
        found += [item["id"] for item in page["items"]]
        assert len(page["items"]) == 1 or page["archived"], "a page without items is no page"
        if page["next"] is None:
            break
        query["next"] = page["next"]
    assert found == sorted((event.id for event in areas.alpha_events), reverse=True)


def test_a_cursor_of_a_wider_scope_is_refused(areas: TwoAreas) -> None:
    for path in ("/v1/events", "/v1/cameras"):
        (route,) = [one for one in ROUTES if _named(one) == f"GET {path}"]
        wide = _send(areas, route, path, {"limit": "1"}, token=areas.everyone).json()["next"]
        answer = _send(areas, route, path, {"limit": "1", "next": wide})
        assert (answer.status_code, answer.json()["field"]) == (400, "next")


def test_a_journey_has_the_sightings_of_the_scope_only(areas: TwoAreas) -> None:
    (route,) = [one for one in ROUTES if one.path == "/v1/journeys"]
    query = {"plate": SHARED_PLATE, "from": SINCE, "to": UNTIL, "around": "10"}
    journey = _send(areas, route, route.path, query).json()
    assert [one["id"] for one in journey["sightings"]] == [one.id for one in areas.alpha_events]
    assert not any(leg["impossible"] for leg in journey["legs"])
    whole = _send(areas, route, route.path, query, token=areas.everyone).json()
    assert len(whole["sightings"]) == len(areas.alpha_events) + 2


def test_a_histogram_counts_the_scope_only(areas: TwoAreas) -> None:
    (route,) = [one for one in ROUTES if one.path == "/v1/events/histogram"]
    query = {"from": SINCE, "to": UNTIL}
    assert _send(areas, route, route.path, query).json()["total"] == len(areas.alpha_events)
    whole = _send(areas, route, route.path, query, token=areas.everyone).json()
    assert whole["total"] == len(areas.alpha_events) + len(areas.bravo_events)


def test_a_feed_sends_what_is_in_the_scope(moving: tuple[TwoAreas, Running]) -> None:
    areas, _ = moving
    last = areas.site.context.feed.after(0, 1).last
    headers = {
        "Authorization": f"Bearer {areas.alpha}",
        "X-Reason": "a test",
        "Last-Event-ID": str(last),
    }
    with areas.site.http.stream(
        "GET", f"{areas.site.url}/v1/events/feed", headers=headers
    ) as answer:
        found = messages(answer)
        next(found)
        new = [event_of("bravo-gate", 300, BRAVO_PLATE), event_of("alpha-gate", 301, SHARED_PLATE)]
        areas.site.context.feed.add_all(new)
        first = next(message for message in found if message.name == "event")
    assert first.data["event"]["id"] == new[1].id


def test_an_open_feed_follows_a_change_of_the_scope(moving: tuple[TwoAreas, Running]) -> None:
    areas, _ = moving
    last = areas.site.context.feed.after(0, 1).last
    headers = {
        "Authorization": f"Bearer {areas.alpha}",
        "X-Reason": "a test",
        "Last-Event-ID": str(last),
    }
    with areas.site.http.stream(
        "GET", f"{areas.site.url}/v1/events/feed", headers=headers
    ) as answer:
        found = messages(answer)
        next(found)
        areas.site.context.people.change("alpha-person", scope=CameraScope(areas=("bravo",)))
        for at_s in range(1000):
            areas.site.context.feed.add_all([event_of("bravo-gate", 300 + at_s, BRAVO_PLATE)])
            message = next(found)
            if message.name == "event":
                break
    assert message.data["event"]["camera"] == "bravo-gate"


def _cameras(areas: TwoAreas) -> list[str]:
    (route,) = [one for one in ROUTES if _named(one) == "GET /v1/cameras"]
    return [item["id"] for item in _send(areas, route, route.path, {"former": "1"}).json()["items"]]


def test_the_scope_follows_a_camera_that_moves(moving: tuple[TwoAreas, Running]) -> None:
    areas, running = moving
    assert _cameras(areas) == ["alpha-former", "alpha-gate", "alpha-school"]
    moved = {"alpha-gate": "bravo", "bravo-bridge": "alpha/east"}
    cameras = tuple(
        camera.model_copy(update={"area": moved.get(camera.id, camera.area)})
        for camera in REGISTRY.cameras
    )
    running.registry = REGISTRY.model_copy(update={"cameras": cameras})
    assert _cameras(areas) == ["alpha-former", "alpha-school", "bravo-bridge"]
    for event, status in (
        (areas.alpha_events[0], 404),
        (areas.bravo_events[3], 200),
        (areas.bravo_events[0], 404),
    ):
        (route,) = [one for one in ROUTES if _named(one) == "GET /v1/events/{id}"]
        assert _send(areas, route, f"/v1/events/{event.id}", {}).status_code == status


def test_a_scope_names_a_renamed_area_by_its_former_path(
    moving: tuple[TwoAreas, Running],
) -> None:
    areas, running = moving
    written = REGISTRY.model_dump(by_alias=True, mode="json")
    renamed = json.loads(
        json.dumps(written).replace('"alpha', '"omega').replace("omega-", "alpha-")
    )
    running.registry = Registry.model_validate(renamed)
    assert _cameras(areas) == ["alpha-former"], "the new path is another area"
    renamed["areas"]["omega"]["formerly"] = ["alpha"]
    running.registry = Registry.model_validate(renamed)
    assert _cameras(areas) == ["alpha-former", "alpha-gate", "alpha-school"]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (CameraScope(areas=("alpha/east",)), ["alpha-gate"]),
        (CameraScope(classes=("B",)), ["alpha-school"]),
        (CameraScope(areas=("alpha",), classes=("B",)), ["alpha-school"]),
        (CameraScope(cameras=("bravo-bridge",)), ["bravo-bridge"]),
        (
            CameraScope(areas=("alpha",), classes=("B",), cameras=("bravo-bridge",)),
            ["alpha-school", "bravo-bridge"],
        ),
        (CameraScope(areas=("never",)), []),
    ],
)
def test_what_a_scope_includes(
    moving: tuple[TwoAreas, Running], scope: CameraScope, expected: list[str]
) -> None:
    areas, _ = moving
    areas.site.context.people.change("alpha-person", scope=scope)
    assert _cameras(areas) == expected
