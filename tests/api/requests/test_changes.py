"""Every change by a person has its intent in the audit log before anything changes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.app import make_app
from api.live.routes import LIVE_ROUTES
from api.requests.declarations import Access, Declaration, Scope
from api.routes import ROUTES
from domain.access_policy.model import AccessPolicy, ActivePolicy, CallGroup, Requirement
from domain.clock import SystemClock
from domain.errors import AuditUnavailable
from domain.metrics import AUDIT_LINES_LOST
from domain.people import Right, Role
from storage.site.audit import AuditEntry, AuditLog
from tests.api.feeds.test_watches import asked as watch_asked
from tests.api.requests.change_requests import RANGE, ChangeRequests, state_of
from tests.api.requests.test_declarations import role_for

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent
    from tests.conftest import S3Config

CHANGES = [
    route
    for route in ROUTES
    if route.is_change
    and not (route.identifies_person or route.records_itself)
    and route not in LIVE_ROUTES
]
"""Without the sessions of WHEP, which store nothing; `tests/api/live/test_whep.py` tests them."""

HISTOGRAMS = ActivePolicy(
    AccessPolicy(
        version=1,
        groups={
            "histograms": CallGroup(calls=("events.histogram",), needs=(Requirement.APPROVAL,))
        },
    )
)
"""A policy under which an approval can be requested, and which governs no change."""

WITHOUT_REASON = {
    "saved_view.create",
    "saved_view.change",
    "saved_view.delete",
    "session.end_openid",
    "session.end",
    "session.end_other",
    "session.password",
    "session.second_factor",
    "session.second_factor_confirm",
}
"""Changes of the own sign-in, and of the layout of a wall, need no reason."""

LAST = "session.password session.end"
"""Changes that end sessions, so they come last and in this order."""


class FailingLog(AuditLog):
    """An audit log that fails from its `fails_at`th line on."""

    fails_at = 0

    def append(self, entry: AuditEntry, most_part: float = 1.0) -> None:
        self.fails_at -= 1
        if self.fails_at < 0:
            raise AuditUnavailable("the disk is full")
        super().append(entry, most_part)


def test_every_change_has_its_intent_before_its_outcome(
    open_site: OpenSite, make_event: MakeEvent
) -> None:
    site = open_site(policy=lambda: HISTOGRAMS)
    requests = ChangeRequests(site, make_event)
    assert len(CHANGES) >= 6
    for route in sorted(CHANGES, key=lambda route: LAST.find(route.audit)):
        before = len(site.audit_lines())
        answer = requests.send(route)
        assert answer.status_code == route.success_status, answer.text
        intent, outcome = map(json.loads, site.audit_lines()[before:])
        assert (intent["phase"], intent["status"], intent["route"]) == ("intent", None, route.audit)
        assert (outcome["phase"], outcome["status"], outcome["route"]) == (
            "outcome",
            route.success_status,
            route.audit,
        )
        assert intent["request"] == outcome["request"] == answer.headers["X-Request-Id"]
        assert intent["person"].startswith(f"{role_for(route)}-")
        assert intent["reason"] == outcome["reason"]
        assert (intent["reason"] != "") or route.audit in WITHOUT_REASON
        assert "reason" not in intent["terms"]
        assert intent["terms"].keys() <= outcome["terms"].keys()


def test_nothing_changes_without_a_written_intent(
    open_site: OpenSite, make_event: MakeEvent
) -> None:
    site = open_site(policy=lambda: HISTOGRAMS)
    requests = ChangeRequests(site, make_event)
    failing = FailingLog(site.layout.audit, SystemClock())
    with site.serve(make_app(replace(site.context, audit=failing))) as url:
        site.url, before = url, state_of(site)
        for route in CHANGES:
            answer = requests.send(route)
            assert (answer.status_code, answer.json()["type"]) == (
                503,
                "urn:sightline:problem:audit_unavailable",
            ), route.path
            assert "Retry-After" in answer.headers
            assert state_of(site) == before, route.path


def test_a_change_without_a_written_outcome_succeeds_and_is_counted(
    open_site: OpenSite,
) -> None:
    site, before = open_site(), AUDIT_LINES_LOST.labels("outcome")._value.get()
    failing = FailingLog(site.layout.audit, SystemClock())
    failing.fails_at = 1
    with site.serve(make_app(replace(site.context, audit=failing))) as url:
        site.url = url
        assert site.get("/v1/holds", method="POST", body=RANGE).status_code == 201
    (line,) = map(json.loads, site.audit_lines())
    assert line["phase"] == "intent"
    assert AUDIT_LINES_LOST.labels("outcome")._value.get() == before + 1


def test_an_invalid_request_leaves_no_intent(site: Site) -> None:
    assert site.get("/v1/holds", method="POST", body={**RANGE, "cam": "x"}).status_code == 400
    assert site.get("/v1/holds", Role.OPERATOR, method="POST", body=RANGE).status_code == 403
    assert [json.loads(line)["phase"] for line in site.audit_lines()] == ["outcome", "outcome"]


def test_path_parameters_have_priority_in_the_terms(site: Site) -> None:
    site.get("/v1/holds/20251009-00000000?id=20251009-11111111", method="DELETE")
    assert json.loads(site.audit_lines()[-1])["terms"]["id"] == "20251009-00000000"


def test_the_secret_of_a_watch_is_in_no_line(site: Site) -> None:
    body = {
        **watch_asked(site),
        "webhook": "http://127.0.0.1/hook?key=hunter2",
        "secret": "hunter2-hunter2-hunter2",
    }
    site.get("/v1/watches", method="POST", body=body)
    assert site.audit_lines()
    assert "hunter2" not in "\n".join(site.audit_lines())


def test_a_range_is_in_the_terms(site: Site, make_event: MakeEvent) -> None:
    site.get(f"/v1/events/{make_event().id}/clip", Range="bytes=0-9")
    assert json.loads(site.audit_lines()[-1])["terms"]["range"] == "bytes=0-9"


def _endpoint(trace: object) -> dict[str, str]:
    return {}


async def _waiting(trace: object) -> dict[str, str]:
    return {}


def _untraced() -> dict[str, str]:
    return {}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_change_that_would_not_be_recorded_cannot_be_declared(method: str) -> None:
    def declared(**changes: Any) -> Declaration:
        return Declaration(
            method,
            "/x",
            **{
                "endpoint": _endpoint,
                "right": Right.EVIDENCE,
                "scope": Scope.SITE,
                "audit": "x",
                **changes,
            },
        )

    assert declared().is_change
    for wrong, why in (
        ({"audit": ""}, "audit term"),
        ({"endpoint": _waiting}, "thread"),
        ({"endpoint": _untraced}, "trace"),
    ):
        with pytest.raises(ValueError, match=why):
            declared(**wrong)
    anyones = [route for route in ROUTES if route.is_change and route.right is Access.ANYONE]
    assert all(route.identifies_person or route.records_itself for route in anyones)
    for right in (Right.EVIDENCE, Access.SIGNED_IN):
        with pytest.raises(ValueError, match="anyone"):
            declared(right=right, records_itself=True)


KILLED = """
import os, signal, sys
from pathlib import Path
from types import SimpleNamespace
import httpx
from api.access.authentication import Caller
from api.app import make_app
from domain.access_policy.model import ActivePolicy
from domain.camera_scope import ALL_CAMERAS
from domain.clock import SystemClock
from domain.paths.data_layout import Layout
from domain.people import Person, Role
from domain.settings import Settings
from storage.site.audit import AuditLog
from storage.clients.s3 import ObjectStore

class DyingStore(ObjectStore):
    def put_new(self, key, data, content_type):
        os.kill(os.getpid(), signal.SIGKILL)

folder, endpoint, access_key, secret_key = sys.argv[1:]
clock = SystemClock()
context = SimpleNamespace(
    clock=clock, settings=Settings(), audit=AuditLog(Path(folder), clock), signer=None, feed=None, matches=None,
    node_client=SimpleNamespace(live_client=lambda: None), media_socket=Path(folder), send_budget=None,
    idempotency=None, policy=ActivePolicy, scratch=Path(folder), layout=Layout(Path(folder)),
    authentication=SimpleNamespace(
        caller=lambda request: Caller(Person("li", Role.INVESTIGATOR)), lacks_second_factor=lambda caller: False,
        holder=None,
    ),
    visible=lambda person: ALL_CAMERAS,
    known_camera=lambda id, visible: SimpleNamespace(camera=SimpleNamespace(id=id)),
    objects=DyingStore(endpoint, access_key, secret_key, "api-tests"),
)
transport = httpx.ASGITransport(app=make_app(context))
async def ask():
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers={"Authorization": "Bearer t"}) as http:
        await http.post("/v1/holds", json=BODY)
import asyncio
from tests.buckets import remove_objects
asyncio.run(ask())
"""  # noqa: E501


def test_a_process_killed_in_the_change_leaves_its_intent(
    bucket: object, s3_server: S3Config, tmp_path: Path
) -> None:
    program = KILLED.replace("BODY", repr(RANGE))
    words = (str(tmp_path), s3_server.endpoint, s3_server.access_key, s3_server.secret_key)
    ended = subprocess.run(
        (sys.executable, "-c", program, *words),
        cwd=Path(__file__).parents[3],
        capture_output=True,
        check=False,
    )
    assert ended.returncode == -9, ended.stderr.decode()
    (line,) = [
        json.loads(line)
        for file in tmp_path.glob("*.jsonl")
        for line in file.read_text("utf-8").splitlines()
    ]
    assert (line["phase"], line["person"], line["reason"]) == ("intent", "li", "case 118")
    assert line["terms"]["camera"] == "east-gate"


@pytest.mark.parametrize("kind", ["holds", "watches"])
def test_a_deletion_has_its_reason_in_the_header_only(site: Site, kind: str) -> None:
    body = RANGE if kind == "holds" else watch_asked(site)
    path = f"/v1/{kind}/{site.get(f'/v1/{kind}', method='POST', body=body).json()['id']}"
    without = site.get(path, method="DELETE", reason=None)
    assert (without.status_code, without.json()["type"]) == (
        403,
        "urn:sightline:problem:reason_missing",
    )
    in_query = site.get(f"{path}?reason=closed", method="DELETE")
    assert (in_query.status_code, in_query.json()["field"]) == (400, "reason")
    assert site.get(path, method="DELETE", reason="结案", X_Case="2026-118").status_code == 200
    line = json.loads(site.audit_lines()[-1])
    assert (line["reason"], line["case"]) == ("结案", "2026-118")
