"""Bad requests and failed dependencies have problem documents of one JSON shape."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, NoReturn

import httpx
import pytest

from api.access.api_context import SiteRegistry
from api.limits.request_limits import MAX_BODY_BYTES, MAX_TARGET_BYTES
from api.requests.problems import BY_NAME, KINDS, MEDIA_TYPE, PREFIX, Problem, kind_of
from domain import errors
from domain.errors import Fault, SightlineError
from domain.messages.message import Message
from domain.people import Role
from domain.registry import Registry
from storage.clients.redis import connect
from storage.clients.s3 import ObjectStore
from storage.index.event_index import EventIndex
from storage.site.site_identity import SiteFaults

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent

NO_ID = "01JD7Z3V5G8M2K4Q6R9T1W3Y5A"
SPAN = "from=2025-11-24T16:00:00Z"

BAD_REQUESTS = [
    # address, status, problem, field, what the sentence must say
    ("/v1/evnts", 404, "not_found", None, "did you mean `/v1/events`?"),
    ("/v1/events/", 404, "not_found", None, "did you mean `/v1/events`?"),
    ("/v2/events", 404, "not_found", None, "did you mean `/v1/events`?"),
    ("/%00%ff", 404, "not_found", None, "there is no"),
    ("/v1/events?camra=x", 400, "query_invalid", "camra", "did you mean `camera`?"),
    ("/v1/events?xyzzy=1", 400, "query_invalid", "xyzzy", "known here: "),
    ("/v1/events?kind=face&kind=vehicle", 400, "query_invalid", "kind", "stands twice"),
    ("/v1/events?kind=car", 400, "query_invalid", "kind", "'vehicle' or 'face'"),
    ("/v1/events?class=D", 400, "query_invalid", "class", "'A', 'B' or 'C'"),
    ("/v1/events?limit=0", 400, "query_invalid", "limit", "greater than or equal to 1"),
    (
        "/v1/events?limit=501",
        400,
        "query_invalid",
        "limit",
        "at most 500 for a page",
    ),
    ("/v1/events?limit=ten", 400, "query_invalid", "limit", "valid integer"),
    ("/v1/events?limit=", 400, "query_invalid", "limit", "valid integer"),
    ("/v1/events?from=yesterday", 400, "query_invalid", "from", "2026-11-24T13:55:04Z"),
    ("/v1/events?to=2025-11-24T16:00:00", 400, "query_invalid", "to", "with a time zone"),
    (f"/v1/events?{SPAN}&to=2025-11-24T15:00:00Z", 400, "query_invalid", "to", "after `from`"),
    (
        "/v1/events?min_confidence=1.1",
        400,
        "query_invalid",
        "min_confidence",
        "less than or equal to 1",
    ),
    ("/v1/events?min_confidence=nan", 400, "query_invalid", "min_confidence", ""),
    ("/v1/events?color=pink", 400, "query_invalid", "color", "'blue'"),
    ("/v1/events?order=best", 400, "query_invalid", "order", "'newest' or 'oldest'"),
    ("/v1/events?plate=", 400, "query_invalid", "plate", "is empty"),
    ("/v1/events?plate=$$$", 400, "query_invalid", "plate", "is on no plate"),
    ("/v1/events?plate=" + "*" * 40, 400, "query_invalid", "plate", "at most 32"),
    ("/v1/events?next=abc", 400, "query_invalid", "next", "is no cursor"),
    ("/v1/events/nonsense", 400, "query_invalid", "id", "26 digits and capital letters"),
    (f"/v1/events/{NO_ID.lower()}", 400, "query_invalid", "id", "such as 01"),
    (f"/v1/events/{NO_ID}", 404, "not_found", None, NO_ID),
    (f"/v1/events/{NO_ID}/clip", 404, "not_found", None, NO_ID),
    (f"/v1/events/{NO_ID}/snapshot?size=big", 400, "query_invalid", "size", "none is known here"),
    ("/v1/journeys", 400, "query_invalid", "plate", "is missing"),
    ("/v1/journeys?plate=鄂F*", 400, "query_invalid", "plate", "whole plate"),
    ("/v1/cameras/nowhere", 404, "not_found", None, "no camera 'nowhere'"),
    (
        "/v1/cameras/nowhere/recording?from=2025-11-24T16:00:00Z&to=2025-11-24T16:00:01Z",
        404,
        "not_found",
        None,
        "no camera",
    ),
    (f"/v1/cameras/east-gate/recording?{SPAN}", 400, "query_invalid", "to", "is missing"),
    (
        f"/v1/cameras/east-gate/recording?{SPAN}&to=2025-11-25T18:00:00Z",
        400,
        "query_invalid",
        "to",
        "at most 86400 s",
    ),
    (
        f"/v1/cameras/east-gate/recording?{SPAN}&to=2025-11-24T16:10:00Z",
        503,
        "node_offline",
        None,
        "no node is connected to this camera",
    ),
    ("/v1/cameras?limit=1001", 400, "query_invalid", "limit", "1000"),
    (
        "/v1/events?plate=" + "a" * MAX_TARGET_BYTES,
        414,
        "uri_too_long",
        None,
        str(MAX_TARGET_BYTES),
    ),
]


def check_problem(answer: httpx.Response) -> Problem:
    """Check that a response is a problem document: its shape, media type and request id."""
    assert answer.headers["Content-Type"] == MEDIA_TYPE, answer.text
    problem = Problem.model_validate_json(answer.content)
    assert problem.status == answer.status_code
    assert problem.type.startswith(PREFIX)
    assert problem.detail
    assert problem.instance.endswith(answer.headers["X-Request-Id"])
    assert "Traceback" not in answer.text
    return problem


def test_bad_requests(site: Site) -> None:
    for address, status, name, field, words in BAD_REQUESTS:
        problem = check_problem(site.get(address))
        assert (problem.status, problem.type.removeprefix(PREFIX), problem.field) == (
            status,
            name,
            field,
        ), f"{address}: {problem}"
        assert words in problem.detail, f"{address}: {problem.detail}"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_other_methods_are_refused(site: Site, method: str) -> None:
    answer = site.get("/v1/events", method=method)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"
    if method != "HEAD":
        assert check_problem(answer).type == "urn:sightline:problem:method_not_allowed"


def test_a_large_body_is_refused_before_it_is_read(site: Site) -> None:
    answer = site.http.post(f"{site.url}/v1/events", content=b"x" * (MAX_BODY_BYTES + 1))
    assert check_problem(answer).type == "urn:sightline:problem:content_too_large"
    answer = site.http.post(f"{site.url}/v1/events", content=iter([b"x"]))
    assert check_problem(answer).type == "urn:sightline:problem:content_too_large"


def test_a_bad_reason_names_its_header(site: Site) -> None:
    problem = check_problem(site.get("/v1/events", reason=b"\xff\xfe"))
    assert (problem.status, problem.field) == (400, "X-Reason")


@pytest.fixture
def dead_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_an_index_that_is_down(open_site: OpenSite, dead_port: int) -> None:
    site = open_site(index=EventIndex(connect(f"redis://127.0.0.1:{dead_port}/0")))
    answer = site.get("/v1/events")
    assert check_problem(answer).type == "urn:sightline:problem:index_unavailable"
    assert answer.headers["Retry-After"] == "2"
    assert str(dead_port) not in answer.text
    ready = site.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
    assert ready.json()["dependencies"][0] == {
        "name": "index",
        "ok": False,
        "required": True,
        "why": "Redis does not answer",
    }


def test_readiness_shows_the_faults_of_a_newer_registry(open_site: OpenSite) -> None:
    faults = (
        Fault(
            "/etc/sightline/camera_registry.yaml",
            7,
            3,
            Message("unknown key `{key}`", key="urll"),
            Message("did you mean `{word}`?", word="url"),
        ),
    )
    ready = open_site(registry=lambda: SiteRegistry(Registry(version=1), faults)).get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert ready.json()["registry_faults"] == [
        "camera_registry.yaml:7:3: unknown key `urll` (did you mean `url`?)"
    ]


def test_an_emptied_index_is_named_to_those_whose_token_it_lost(open_site: OpenSite) -> None:
    lost = SiteFaults(index=Message("Redis was emptied; run `sightline index rebuild`"))
    site = open_site(site_faults=lambda: lost)
    answer = site.http.get(f"{site.url}/v1/session", headers={"Authorization": "Bearer sl_lost"})
    assert (answer.status_code, check_problem(answer).detail) == (401, lost.index)
    ready = site.http.get(f"{site.url}/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
    assert _not_ok(ready) == ["index_contents"], (
        "the name says it also where no token can be checked"
    )


def test_a_token_of_no_person_in_a_whole_index(open_site: OpenSite) -> None:
    site = open_site()
    answer = site.http.get(f"{site.url}/v1/session", headers={"Authorization": "Bearer sl_lost"})
    assert "sightline user add" in (check_problem(answer).detail or "")


def test_a_lost_object_store_makes_the_site_not_ready(open_site: OpenSite) -> None:
    lost = SiteFaults(objects=Message("the object store is not the one that this site used"))
    ready = open_site(site_faults=lambda: lost).get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
    assert _not_ok(ready) == ["objects_contents"]
    assert lost.objects in [one["why"] for one in ready.json()["dependencies"]]


def _not_ok(ready: httpx.Response) -> list[str]:
    return [one["name"] for one in ready.json()["dependencies"] if not one["ok"]]


def test_an_object_store_that_is_down(
    open_site: OpenSite, dead_port: int, make_event: MakeEvent
) -> None:
    site = open_site(objects_asked=ObjectStore(f"127.0.0.1:{dead_port}", "a", "b", "c"))
    event = make_event(clip_ready=True)
    site.spool_passing(event)
    for name in ("snapshot", "clip"):
        answer = site.get(f"/v1/events/{event.id}/{name}")
        assert check_problem(answer).type == "urn:sightline:problem:objects_unavailable"
        assert str(dead_port) not in answer.text
    assert site.get("/v1/events").json()["items"][0]["id"] == event.id, "searches go on"
    ready = site.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    site.hold("east-gate")
    assert (
        site.get(f"/v1/events/{event.id}/snapshot").content == b"snapshot of " + event.id.encode()
    ), "from the spool"


def test_an_internal_error_discloses_no_details(
    open_site: OpenSite, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> NoReturn:
        raise RuntimeError("the secret inside")

    site = open_site(registry=broken)
    with caplog.at_level(logging.ERROR):
        answer = site.get("/v1/cameras")
    problem = check_problem(answer)
    assert (problem.status, problem.type) == (500, "urn:sightline:problem:internal")
    assert "secret" not in answer.text
    assert answer.headers["X-Request-Id"] in caplog.text
    assert "the secret inside" in caplog.text


def test_every_answer_has_security_headers_and_no_banner(site: Site) -> None:
    for address in ("/", "/healthz", "/v1/events", "/nowhere", "/v1/events?limit=0"):
        headers = site.get(address, Origin="https://elsewhere.example").headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Request-Id"]
        assert "Server" not in headers
        assert "Access-Control-Allow-Origin" not in headers


def test_the_access_log_has_a_line_a_request_and_no_plate(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "api.access"):
        answer = site.get("/v1/events?plate=鄂F88888")
        site.eventually(lambda: bool(caplog.records))  # written once the answer is out
    (line,) = [record.getMessage() for record in caplog.records if record.name == "api.access"]
    assert "GET /v1/events 200" in line
    assert answer.headers["X-Request-Id"] in line
    assert "F88888" not in line


def test_refused_requests_of_a_stranger_share_a_line(
    open_site: OpenSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = open_site()

    def lines() -> list[str]:
        return [one.getMessage() for one in caplog.records if one.name == "api.access"]

    with caplog.at_level(logging.INFO, "api.access"):
        for _ in range(5):
            assert site.http.get(f"{site.url}/v1/events").status_code == 401
            assert site.http.get(f"{site.url}/nowhere").status_code == 404
        for _ in range(5):
            assert site.get("/v1/events?limit=0").status_code == 400
        site.eventually(lambda: len(lines()) >= 7)
    assert [" ".join(line.split()[1:4]) for line in lines()] == [
        "GET /v1/events 401",
        "GET /nowhere 404",
        *["GET /v1/events 400"] * 5,
    ]


def test_metrics_measure_by_route_template(site: Site, make_event: MakeEvent) -> None:
    site.get(f"/v1/events/{make_event().id}")
    answer = site.get("/metrics", Role.INTEGRATOR)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert (
        'sightline_http_request_duration_seconds_count{route="/v1/events/{id}",status="404"}'
        in answer.text
    )


def test_every_error_of_the_tree_has_a_problem() -> None:
    kinds = {
        cls.__name__: kind_of(cls.__new__(cls)).name
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, SightlineError)
    }
    assert kinds["ReasonMissing"] == "reason_missing"
    assert kinds["SourceRejected"] == "camera_unavailable"
    assert [name for name, kind in kinds.items() if kind == "internal"] == [
        "SightlineError",
        "Cancelled",
        "InstanceBusy",
    ], "no request raises the last two"
    assert len(BY_NAME) == len(KINDS)
