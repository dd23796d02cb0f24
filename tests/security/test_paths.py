"""Attacks by the path of a request: traversal, other spellings, methods, ranges and headers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.people import Role
from domain.registry import Camera
from storage.recordings.ledger import parse_segment
from tests.api.events.test_media import DATA, keep
from tests.api.site_data import REGISTRY
from tests.security.raw_http import answers, request_of, statuses

if TYPE_CHECKING:
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

OTHERS = [
    "..", ".", "%2e%2e", "%2e", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "..%5c..", "%00",
    "east-gate%00", "east-gate%2f", "east-gate%2f..%2fwest-gate", "east-gate;x=1", "east-gate%20",
    "EAST-GATE", "east-gate.", "%ef%bc%8e%ef%bc%8e", "%c0%ae%c0%ae", "~root", "*", "?", "%3f",
    "%23",     "state%2fpeople%2fli%2f0000000001.json", "a" * 2_000,
]  # fmt: skip
"""Values of a path parameter that are no camera, no event and no record."""


@pytest.mark.parametrize("value", OTHERS)
def test_a_path_parameter_that_leads_elsewhere(site: Site, value: str) -> None:
    for template in (
        "/v1/cameras/{}",
        "/v1/cameras/{}/coverage",
        "/v1/cameras/{}/picture",
        "/v1/cameras/east-gate/segments/{}",
        "/v1/cameras/{}/segments/east-gate_1764000000000_4000_1.mp4",
        "/v1/events/{}",
        "/v1/events/{}/clip",
        "/v1/events/{}/snapshot",
        "/v1/holds/{}",
        "/v1/watches/{}",
    ):
        got = statuses(site.url, request_of(site, template.format(value)))
        assert got in ([400], [404], [405]), template
    assert statuses(site.url, request_of(site, "/v1/cameras/east-gate")) == [200]


@pytest.mark.parametrize(
    "name",
    [
        "../east-gate_1764000000000_4000_1.mp4",
        "east-gate_1764000000000_4000_1.mp4/../x",
        "east-gate_1764000000000_4000_1.mp4\x00",
        "east-gate_-1_4000_1.mp4",
        "east-gate_1764000000000_4000_1.json",
        "..%2feast-gate_1764000000000_4000_1.mp4",
    ],
)
def test_a_segment_name_that_is_a_path(name: str) -> None:
    segment = parse_segment(Path(name))
    assert segment is None or "/" not in segment.camera_id
    right = parse_segment(Path("east-gate_1764000000000_4000_1.mp4"))
    assert right is not None
    assert right.camera_id == "east-gate"


@pytest.mark.parametrize(
    "target",
    [
        "/v1/events/", "//v1/events", "/v1//events", "/V1/events", "/v1/Events", "/v1/./events",
        "/v1/x/../events", "/v1/events;x", "/v1/events%2f", "/v1%2fevents", "/v1/events%3flimit=1",
        "/v1/events/feed/", "/v1/events%00", "http://sightline/v1/events/", "/./v1/events",
        "/v1/events.json", "\\v1\\events", "/v1/events%20",
    ],
)  # fmt: skip
def test_another_spelling_of_a_path(site: Site, target: str) -> None:
    """A proxy may allow by prefix. Only the declared spelling is a route."""
    anonymous = request_of(site, target).replace(b"Authorization", b"X-None")
    assert 200 not in statuses(site.url, anonymous)
    assert 200 not in statuses(site.url, request_of(site, target))
    assert statuses(site.url, request_of(site, "/v1/events")) == [200]


@pytest.mark.parametrize(
    "target",
    [
        "/v1/session#/../../healthz", "/v1/session?#a", "#", "ftp://sightline/v1/session",
        "http://a@sightline/v1/session", "https://a:b@sightline/v1/session", "sightline:443",
    ],
)  # fmt: skip
def test_a_target_that_a_proxy_may_read_differently(site: Site, target: str) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "CONNECT"):
        assert statuses(site.url, request_of(site, target, method=method)) == [400]
    for right in ("/v1/session", "http://sightline/v1/session", "HTTPS://a:443/v1/session?"):
        assert statuses(site.url, request_of(site, right)) == [200]


@pytest.mark.parametrize(
    "line",
    [
        "X-HTTP-Method-Override: DELETE",
        "X-Method-Override: DELETE",
        "X-Original-URL: /v1/holds",
        "X-Rewrite-URL: /v1/holds",
        "X-Forwarded-Prefix: /v1/audit",
        "X-Forwarded-Host: evil.example",
        "Forwarded: host=evil.example",
        "X-Person: chief",
        "X-Forwarded-User: chief",
        "X-Remote-User: chief",
    ],
)
def test_a_header_that_changes_the_request_elsewhere(site: Site, line: str) -> None:
    plain = answers(site.url, request_of(site, "/v1/session"))
    (answer,) = answers(site.url, request_of(site, "/v1/session", line))
    assert answer.status == plain[0].status == 200
    assert not any("evil" in str(value) for value in answer.headers.values())
    anonymous = request_of(site, "/v1/events", line).replace(b"Authorization", b"X-None")
    assert statuses(site.url, anonymous) == [401]


@pytest.mark.parametrize(
    "method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "POST", "get", "GETT"]
)
def test_a_method_that_avoids_the_guard(site: Site, method: str) -> None:
    target = "/v1/events"
    anonymous = request_of(site, target, method=method).replace(b"Authorization", b"X-None")
    assert statuses(site.url, anonymous)[0] in (400, 401, 405)
    assert statuses(site.url, request_of(site, target, method=method))[0] in (400, 405)


def test_head_of_a_clip_needs_what_get_needs(site: Site, make_event: MakeEvent) -> None:
    event = make_event(clip_ready=True)
    keep(site, event)
    path = f"/v1/events/{event.id}/clip"
    assert site.get(path, method="HEAD").status_code == 200
    assert site.get(path, method="HEAD", reason=None).status_code == 403
    assert site.get(path, Role.AUDITOR, method="HEAD").status_code == 403
    assert site.http.head(site.url + path).status_code == 401
    lines = [line for line in site.audit_lines() if "event.clip" in line and '"status":200' in line]
    assert len(lines) == 1, "the read of the headers is in the audit log"


@pytest.mark.parametrize(
    "header",
    [
        "bytes=" + ",".join(f"{i}-{i}" for i in range(1_000)),
        "bytes=0-,0-,0-,0-",
        "bytes=0-0,-1",
        "bytes=-0",
        "bytes=99999999999999999999-",
        "bytes=0-99999999999999999999999999",
        "bytes=-99999999999999999",
        "bytes=5-4",
        "bytes=--5",
        "bytes=\u0661-",
        "bytes 0-1",
        "items=0-1",
        "bytes=0x0-0x1",
        "bytes=" + "0" * 5_000 + "-1",
    ],
)
def test_a_range_that_costs_much_or_is_none(site: Site, make_event: MakeEvent, header: str) -> None:
    event = make_event(3, clip_ready=True)
    keep(site, event)
    request = request_of(site, f"/v1/events/{event.id}/clip", b"Range: " + header.encode())
    (answer,) = answers(site.url, request)
    assert answer.status in (200, 206, 416)
    assert int(answer.headers["Content-Length"]) <= len(DATA)
    part = request_of(site, f"/v1/events/{event.id}/clip", "Range: bytes=1-2")
    (right,) = answers(site.url, part)
    assert (right.status, right.headers["Content-Range"]) == (206, f"bytes 1-2/{len(DATA)}")


def test_evidence_in_a_cache(site: Site, make_event: MakeEvent) -> None:
    """A cache would answer the next person without the API, its guard and its audit log."""
    event = make_event(4, clip_ready=True)
    keep(site, event)
    for rest in ("", "/clip", "/snapshot", "/crop"):
        answer = site.get(f"/v1/events/{event.id}{rest}")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    for path in ("/v1/events", "/v1/session", "/v1/events/feed?seconds=0", "/nowhere", "/"):
        assert site.get(path).headers["Cache-Control"] == "no-store"


def test_a_page_of_another_site(site: Site) -> None:
    """No answer may be read by, framed by or executed for another origin."""
    for path in ("/v1/events", "/", "/openapi.json", "/nowhere"):
        answer = site.get(path, Origin="https://evil.example")
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert site.get("/v1/events", Origin="https://evil.example").status_code == 200


def test_a_script_in_an_answer(site: Site) -> None:
    """What the client sent comes back as JSON or text of no type that a browser executes."""
    for target in ("/<script>", "/v1/events?<script>=1", "/v1/cameras/<script>"):
        answer = site.http.get(site.url + target, headers={"Accept": "text/html"})
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["a\nERROR forged", "a\x1b[2J", "a\x00", "a\u2028b", "\u202egnp"])
def test_a_camera_name_that_forges_a_line(name: str) -> None:
    """Names of cameras and areas are shown in logs, tables and messages."""
    entry = REGISTRY.cameras[0].model_dump(by_alias=True)
    assert Camera.model_validate(entry | {"name": "均州路东口 (1)"}).name
    with pytest.raises(ValueError, match="control"):
        Camera.model_validate(entry | {"name": name})


@pytest.mark.parametrize(
    "camera_id", ["../x", "a/b", "", ".", "..", "a\n", "a b", "-a", "ａ", "a" * 65, "a\x00"]
)
def test_a_camera_id_that_is_a_path(camera_id: str) -> None:
    entry = REGISTRY.cameras[0].model_dump(by_alias=True)
    with pytest.raises(ValueError, match="id"):
        Camera.model_validate(entry | {"id": camera_id})
    assert Camera.model_validate(entry | {"id": "a.b-c_d"}).id == "a.b-c_d"
