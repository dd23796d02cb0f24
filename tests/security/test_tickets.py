"""Attacks with tickets: forged by a stolen node, changed, moved to another resource, or leaked."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.nodes.tokens import sign
from api.requests.tickets import Basis, Ticket, ticket_for, write_ticket
from domain.camera_scope import CameraScope
from domain.clock import NS_PER_S, rfc3339
from domain.people import Person, Role
from domain.signatures import ApiSigner
from tests.api.site_data import NODE, SIGNER, START_NS

if TYPE_CHECKING:
    from domain.paths.data_layout import Layout
    from tests.api.conftest import Site

Record = Callable[["Layout", str, int, float], Path]
CAMERA = "/v1/cameras/east-gate"
SPAN = (START_NS, START_NS + 4 * NS_PER_S)
QUERY = f"from={rfc3339(SPAN[0])}&to={rfc3339(SPAN[1])}"


def _person(site: Site, role: Role = Role.INVESTIGATOR) -> Person:
    person = site.context.people.by_token(site.tokens[role])
    assert person is not None
    return person


def _ticket(site: Site, role: Role = Role.INVESTIGATOR, opens: str = "east-gate") -> Ticket:
    now_ns = site.context.clock.wall_ns()
    return ticket_for(_person(site, role), "a test", "", opens, SPAN, now_ns, Basis())


def _status(site: Site, ticket: str, path: str = f"{CAMERA}/playlist.m3u8?{QUERY}") -> int:
    mark = "&" if "?" in path else "?"
    return site.http.get(f"{site.url}{path}{mark}ticket={quote(ticket)}").status_code


@pytest.fixture
def playable(site: Site, record: Record) -> Site:
    """A site with a recording, and a ticket that opens it as the positive control."""
    record(site.layout, "east-gate", START_NS, 4)
    record(site.layout, "west-gate", START_NS, 4)
    site.hold("east-gate")
    site.hold("west-gate")
    assert _status(site, write_ticket(SIGNER, _ticket(site))) == 200
    return site


def test_a_ticket_that_a_stolen_node_signs(playable: Site) -> None:
    """A node has a key of its own, the certificate of the API, and every past ticket it saw."""
    node = ApiSigner(Ed25519PrivateKey.generate(), SIGNER.certificate)
    assert _status(playable, write_ticket(node, _ticket(playable))) == 401
    assert _status(playable, write_ticket(node, replace(_ticket(playable), person="admin"))) == 401


def test_a_ticket_with_the_signature_of_a_node_request(playable: Site) -> None:
    """A node sees signed requests of the API, and could present their signature for a ticket."""
    content = json.dumps(asdict(_ticket(playable)), separators=(",", ":")).encode()
    token = sign(SIGNER, NODE, "GET", content, playable.context.clock.wall_ns())
    _, signature, _ = token.partition(" ")[2].split(".")
    raw = base64.urlsafe_b64decode(signature + "==") + content
    assert _status(playable, base64.urlsafe_b64encode(raw).decode().rstrip("=")) == 401


@pytest.mark.parametrize(
    "change",
    [
        {"person": "admin"},
        {"reason": "another"},
        {"opens": "west-gate"},
        {"to_ns": SPAN[1] + 3600 * NS_PER_S},
        {"expires_s": 9_999_999_999},
    ],
)
def test_a_ticket_with_one_field_changed(playable: Site, change: dict[str, object]) -> None:
    text = write_ticket(SIGNER, _ticket(playable))
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    content = json.dumps(json.loads(raw[64:]) | change, separators=(",", ":")).encode()
    changed = base64.urlsafe_b64encode(raw[:64] + content).decode().rstrip("=")
    assert _status(playable, changed) == 401


@pytest.mark.parametrize(
    "text", ["", "A", "AAAA", "=" * 40, "%00", "ä", "A" * 4000, "A" * 9_000, "../../x", "null"]
)
def test_a_ticket_that_is_none(playable: Site, text: str) -> None:
    assert 400 <= _status(playable, text) < 500


def test_a_ticket_for_another_camera(playable: Site) -> None:
    ticket = write_ticket(SIGNER, _ticket(playable))
    other = f"/v1/cameras/west-gate/playlist.m3u8?{QUERY}"
    assert _status(playable, ticket, other) == 403
    assert (
        _status(playable, write_ticket(SIGNER, _ticket(playable, opens="west-gate")), other) == 200
    )


def test_a_ticket_for_another_time(playable: Site) -> None:
    ticket = write_ticket(SIGNER, _ticket(playable))
    later = f"from={rfc3339(SPAN[1])}&to={rfc3339(SPAN[1] + 4 * NS_PER_S)}"
    assert _status(playable, ticket, f"{CAMERA}/playlist.m3u8?{later}") == 403


def test_a_ticket_for_a_longer_time(playable: Site) -> None:
    """The ticket may rest on an approval of four seconds, and not of the whole day."""
    ticket = write_ticket(SIGNER, _ticket(playable))
    for before_s, after_s in ((0, 86_396), (1, 0), (0, 1), (43_200, 43_196)):
        span = (SPAN[0] - before_s * NS_PER_S, SPAN[1] + after_s * NS_PER_S)
        longer = f"from={rfc3339(span[0])}&to={rfc3339(span[1])}"
        assert _status(playable, ticket, f"{CAMERA}/playlist.m3u8?{longer}") == 403
    part = f"from={rfc3339(SPAN[0] + NS_PER_S)}&to={rfc3339(SPAN[1] - NS_PER_S)}"
    assert _status(playable, ticket, f"{CAMERA}/playlist.m3u8?{part}") == 200


def test_a_ticket_for_the_recording_of_another_camera_or_time(playable: Site) -> None:
    """A ticket of a playlist opens the same time as one file, and no more."""
    ticket = write_ticket(SIGNER, _ticket(playable))
    longer = f"from={rfc3339(SPAN[0])}&to={rfc3339(SPAN[1] + NS_PER_S)}"
    assert _status(playable, ticket, f"{CAMERA}/recording?{QUERY}") == 200
    assert _status(playable, ticket, f"{CAMERA}/recording?{longer}") == 403
    assert _status(playable, ticket, f"/v1/cameras/west-gate/recording?{QUERY}") == 403


def test_a_ticket_for_another_feed(playable: Site) -> None:
    ticket = write_ticket(SIGNER, _ticket(playable, opens="/v1/events/feed"))
    assert _status(playable, ticket, "/v1/events/feed?seconds=0") == 200
    assert _status(playable, ticket, "/v1/watches/feed?seconds=0") == 403
    assert _status(playable, ticket) == 403
    camera = write_ticket(SIGNER, _ticket(playable))
    assert _status(playable, camera, "/v1/events/feed?seconds=0") == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/session"),
        ("GET", "/v1/events"),
        ("GET", f"{CAMERA}/picture"),
        ("GET", "/v1/audit"),
        ("POST", "/v1/holds"),
        ("POST", f"{CAMERA}/triggers"),
        ("DELETE", "/v1/holds/20250101-00000000"),
        ("HEAD", f"{CAMERA}/playlist.m3u8?{QUERY}"),
        ("POST", f"{CAMERA}/playlist.m3u8?{QUERY}"),
    ],
)
def test_a_ticket_in_place_of_a_token(playable: Site, method: str, path: str) -> None:
    ticket = write_ticket(SIGNER, _ticket(playable))
    mark = "&" if "?" in path else "?"
    body: dict[str, str] | None = {} if method == "POST" else None
    url = f"{playable.url}{path}{mark}ticket={ticket}"
    assert playable.http.request(method, url, json=body).status_code in (400, 401, 403, 405)


def test_a_ticket_after_its_time(playable: Site) -> None:
    long_ago_ns = playable.context.clock.wall_ns() - 3600 * NS_PER_S
    ticket = ticket_for(_person(playable), "a test", "", "east-gate", SPAN, long_ago_ns, Basis())
    assert _status(playable, write_ticket(SIGNER, ticket)) == 401


def test_a_ticket_of_a_person_without_the_right(playable: Site) -> None:
    """A ticket grants nothing: an auditor who gets one of the API still sees no recording."""
    assert _status(playable, write_ticket(SIGNER, _ticket(playable, Role.AUDITOR))) == 403


def test_a_ticket_after_the_scope_was_reduced(playable: Site) -> None:
    ticket = write_ticket(SIGNER, _ticket(playable))
    name = _person(playable).name
    playable.context.people.change(name, scope=CameraScope(cameras=("west-gate",)))
    assert _status(playable, ticket) == 404
    playable.context.people.change(name, scope=CameraScope(cameras=("east-gate",)))
    assert _status(playable, ticket) == 200


def test_a_ticket_in_the_referer_of_another_site(playable: Site) -> None:
    """The addresses of a playlist hold tickets, so a browser must send them nowhere."""
    for path in (f"{CAMERA}/playlist?{QUERY}", "/"):
        answer = playable.get(path)
        assert answer.status_code == 200
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_a_ticket_in_the_log(playable: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "api")
    ticket = write_ticket(SIGNER, _ticket(playable))
    assert _status(playable, ticket) == 200
    assert _status(playable, ticket[:-4]) == 401
    assert ticket[:40] not in caplog.text
    assert playable.tokens[Role.INVESTIGATOR] not in caplog.text
    assert ticket[:40] not in "".join(playable.audit_lines())
    assert f"{CAMERA}/playlist.m3u8" in caplog.text, "the request is in the log"
