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
from urllib.parse import quote

import httpx

from api.requests.declarations import Access, Declaration, Scope
from api.routes import ROUTES
from tests.api.live.live_client import refused
from tests.security.sent_requests import SINCE, UNTIL, name_of, send
from tests.security.two_areas import BRAVO_PLATE, SHARED_PLATE, TwoAreas, event_of

if TYPE_CHECKING:
    pass

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
    assert not unknown, f"{name_of(route)}: say in this test what {unknown} may name"
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
            answer = send(areas, route, _path(route, alpha, "x"), query)
            assert answer.status_code != 500, f"{name_of(route)} {query}: {answer.text}"
            said = _text(answer).replace(bravo, "") if bravo else _text(answer)
            leaked = [secret for secret in areas.secrets if secret in said]
            assert not leaked, f"{name_of(route)} {query} has {leaked}: {answer.text[:500]}"
            if bravo:
                named = {
                    name: nothing if value == bravo else value for name, value in query.items()
                }
                other = send(areas, route, _path(route, alpha, "x"), named)
                assert _comparable(answer, bravo) == _comparable(other, nothing), (
                    f"{name_of(route)} {query}"
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
        answer = send(
            areas, route, _path(route, bravo, areas.bravo_segment), query, token=areas.everyone
        )
        if not any(secret in _text(answer) for secret in areas.secrets):
            silent.append(name_of(route))
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
        for body in BODIES.get(name_of(route), [{}]):
            answers = [
                send(areas, route, _path(route, name, areas.bravo_segment), query, body)
                for name in (bravo, never)
            ]
            assert _comparable(answers[0], bravo) == _comparable(answers[1], never), name_of(route)
            assert answers[0].status_code == 404, f"{name_of(route)}: {answers[0].text}"
            assert set(answers[0].headers) == set(answers[1].headers)


def test_a_handshake_for_a_camera_of_another_area_is_refused_like_one_that_never_was(
    areas: TwoAreas,
) -> None:
    sockets = [route for route in GUARDED if route.upgrades]
    assert [name_of(route) for route in sockets] == ["GET /v1/cameras/{id}/live"]
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
        name_of(route)
        for route in ROUTES
        if route.is_change and route.scope is not Scope.WHOLE_SITE
    } == set(BODIES)
    naming = (
        "POST /v1/holds",
        "POST /v1/approvals",
        "POST /v1/exports",
        "POST /v1/saved-views",
    )
    routes = {name_of(one): one for one in ROUTES if name_of(one) in naming}
    for name, body in [(one, body) for one in naming for body in BODIES[one]]:
        route, found = routes[name], []
        for camera, event in (
            ("bravo-gate", areas.bravo_events[0].id),
            ("never-gate", UNKNOWN_EVENT),
        ):
            filled = json.loads(
                json.dumps(body).replace("$camera", camera).replace("$event", event)
            )
            found.append(_comparable(send(areas, route, route.path, {}, filled), camera, event))
        assert found[0] == found[1]
        assert found[0][0] == 404


def test_routes_of_the_whole_site_are_refused(areas: TwoAreas) -> None:
    for route in ROUTES:
        if route.scope is Scope.WHOLE_SITE:
            answer = send(areas, route, _path(route, "x", "x"), {})
            assert answer.status_code == 403, name_of(route)
            assert "the whole site" in answer.json()["detail"]
            assert not any(secret in _text(answer) for secret in areas.secrets)


def test_details_of_readiness_are_for_the_whole_site(areas: TwoAreas) -> None:
    headers = {"Authorization": f"Bearer {areas.alpha}"}
    answer = areas.site.http.get(f"{areas.site.url}/readyz", headers=headers)
    assert "bravo" not in answer.text
    headers = {"Authorization": f"Bearer {areas.everyone}"}
    answer = areas.site.http.get(f"{areas.site.url}/readyz", headers=headers)
    assert "bravo" in answer.text
