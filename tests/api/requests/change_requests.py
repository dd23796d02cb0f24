"""Requests to all routes that change something, and the state that they may change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pyotp

from api.requests.declarations import Declaration
from domain.clock import NS_PER_HOUR, NS_PER_S, SystemClock
from domain.paths.object_keys import APPROVALS_PREFIX, CASES_PREFIX, EMERGENCIES_PREFIX, dated_id
from domain.people import Role
from domain.settings import Settings
from storage.clients.redis import Script, texts
from storage.recordings.trigger_log import TriggerLog
from storage.site.approvals import ApprovalRecord
from tests.api.browser import PASSWORD, set_password, signed_in
from tests.api.feeds.test_watches import asked as watch_asked
from tests.api.requests.test_declarations import role_for
from tests.buckets import remove_objects

if TYPE_CHECKING:
    from domain.events.event import Event
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent


RANGE = {
    "camera": "east-gate",
    "from": "2025-11-24T16:00:00Z",
    "to": "2025-11-24T17:00:00Z",
    "reason": "case 118",
}
EXPORT = {
    "ranges": [
        {
            "camera": "east-gate",
            "from": "2025-11-24T16:00:00Z",
            "to": "2025-11-24T17:00:00Z",
        }
    ],
    "reason": "case 118",
}
SAVED_VIEW = {"name": "the gates", "tiles": 4, "cameras": ["east-gate"]}

FOR_EVER_NS = 1 << 62
DIGEST = "return ARGV[1] .. redis.sha1hex(redis.call('DUMP', ARGV[1]))"


def state_of(site: Site) -> dict[str, object]:
    """Return everything that a change by a person may alter."""
    objects = {
        stat.key: stat.etag
        for stat in site.context.objects.list("")
        if not stat.key.startswith("state/people/")
    }
    keys = texts(site.redis.do("KEYS", "*"))
    keys = [key for key in keys if "people" not in key and "{sessions}:record" not in key]
    digests = site.redis.run_all([Script(DIGEST, "{x}", (key,)) for key in sorted(keys)])
    return {
        "objects": objects,
        "redis": digests,
        "sessions": {(one.id, one.reason, one.case) for one in site.context.sessions.list()},
        "triggers": TriggerLog(site.layout, Settings()).between("school", 0, FOR_EVER_NS),
    }


Request = tuple[str, object]
"""A path and a body."""
Requests = dict[tuple[str, str], Request]
"""By the method and the path of a route."""


class ChangeRequests:
    """The requests to all routes that change something."""

    def __init__(self, site: Site, make_event: MakeEvent) -> None:
        person = site.context.people.by_token(site.tokens[Role.INVESTIGATOR])
        assert person is not None
        _add_people(site)
        self._site = site
        self._secret = ""
        policy_requests = _policy_requests(site)
        set_password(site, person.name)
        self._browser = signed_in(site, name=person.name)
        self._leaving = signed_in(site, name=person.name)
        other_session = signed_in(site, name=person.name).id
        self.of: Requests = {
            **_event_requests(site, make_event()),
            **_requests_about_kept_things(site),
            **_people_requests(),
            **policy_requests,
            **_session_requests(other_session),
        }

    def send(self, route: Declaration) -> httpx.Response:
        """Send the request of a route: with a session where it is about the session itself."""
        path, body = self.of[route.method, route.path]
        if route.path.startswith("/v1/session"):
            browser = self._leaving if route.path == "/v1/session/openid" else self._browser
            browser.url = self._site.url
            if self._secret and route.audit == "session.second_factor_confirm":
                body = {"code": pyotp.TOTP(self._secret).at(SystemClock().wall_ns() // NS_PER_S)}
            answer = browser.change(route.method, path, body)
            if route.audit == "session.second_factor":
                self._secret = answer.json().get("secret", "")
            return browser.adopt(answer) if route.audit == "session.password" else answer
        return self._site.get(path, role_for(route), method=route.method, body=body)


def _event_requests(site: Site, event: Event) -> Requests:
    """Return the requests about an event and about the recording of a camera."""
    site.context.index.put(event)
    site.hold("school")
    return {
        ("POST", "/v1/cameras/{id}/triggers"): (
            "/v1/cameras/school/triggers",
            {"reason": "button"},
        ),
        ("PATCH", "/v1/events/{id}"): (
            f"/v1/events/{event.id}",
            {"plate": "鄂F8888B", "reason": "read it", "version": 0},
        ),
    }


def _requests_about_kept_things(site: Site) -> Requests:
    """Return the requests about holds, exports, saved views and watches, one of which exists."""
    watch = watch_asked(site)
    bodies = {"holds": RANGE, "exports": EXPORT, "saved-views": SAVED_VIEW, "watches": watch}
    paths = {
        kind: f"/v1/{kind}/" + site.get(f"/v1/{kind}", method="POST", body=body).json()["id"]
        for kind, body in bodies.items()
    }
    changes: dict[str, dict[str, object]] = {
        "holds": {"until": "2099-01-01T00:00:00Z", "reason": "the trial lasts longer"},
        "saved-views": {"name": "gates"},
        "watches": {"until": watch["until"], "reason": "not found yet"},
    }
    return {
        **{("POST", f"/v1/{kind}"): (f"/v1/{kind}", body) for kind, body in bodies.items()},
        **{
            ("PATCH", f"/v1/{kind}/{{id}}"): (paths[kind], change)
            for kind, change in changes.items()
        },
        **{("DELETE", f"/v1/{kind}/{{id}}"): (path, None) for kind, path in paths.items()},
    }


def _add_people(site: Site) -> None:
    """Add the people whom requests change, who may have been removed by an earlier test."""
    people = site.context.people
    for record in people.index.records().records:
        if record.removed_at is None and record.name.startswith("asked."):
            people.remove(record.name)
    people.add("asked.gone", Role.OPERATOR)
    people.add("asked.stays", Role.OPERATOR)
    people.add("asked.second", Role.INVESTIGATOR)


def _people_requests() -> Requests:
    return {
        ("POST", "/v1/people"): (
            "/v1/people",
            {"name": "asked.new", "role": "operator", "reason": "joins the team"},
        ),
        ("PATCH", "/v1/people/{name}"): (
            "/v1/people/asked.stays",
            {"role": "auditor", "reason": "changes the team"},
        ),
        ("DELETE", "/v1/people/{name}"): ("/v1/people/asked.gone", None),
        ("POST", "/v1/people/{name}/tokens"): (
            "/v1/people/asked.stays/tokens",
            {"token_name": "phone", "reason": "a new phone"},
        ),
        ("DELETE", "/v1/people/{name}/tokens/{token}"): (
            "/v1/people/asked.stays/tokens/first",
            None,
        ),
    }


def _policy_requests(site: Site) -> Requests:
    """Return the requests about cases, approvals and emergency access."""
    case, approval, emergency = _policy_records(site)
    return {
        ("POST", "/v1/cases"): (
            "/v1/cases",
            {"number": "2026-new", "title": "theft", "reason": "reported"},
        ),
        ("PATCH", "/v1/cases/{id}"): (
            f"/v1/cases/{case}",
            {"state": "closed", "reason": "solved"},
        ),
        ("POST", "/v1/approvals"): (
            "/v1/approvals",
            {"call": "events.histogram", "reason": "needed"},
        ),
        ("PATCH", "/v1/approvals/{id}"): (
            f"/v1/approvals/{approval}",
            {"decision": "approved", "reason": "it is right"},
        ),
        ("PATCH", "/v1/emergencies/{id}"): (
            f"/v1/emergencies/{emergency}",
            {"verdict": "justified", "reason": "it was right"},
        ),
    }


def _policy_records(site: Site) -> tuple[str, str, str]:
    """Return the ids of a case, and of a request and an emergency access of another person."""
    context = site.context
    remove_objects(context.objects, CASES_PREFIX, APPROVALS_PREFIX, EMERGENCIES_PREFIX)
    now_ns = context.clock.wall_ns()
    approval = ApprovalRecord(
        id=dated_id(context.clock),
        person="asked.second",
        call="events.histogram",
        terms={},
        reason="needed",
        case="",
        requested_at=now_ns,
        ends_at=now_ns + NS_PER_HOUR,
    )
    asked = ("asked.second", "investigator", "::1", "shooting", "", "event.clip")
    return (
        context.cases.open("2026-old", "theft", "asked.second").id,
        context.approvals.request(approval).id,
        context.emergencies.add(*asked, {}),
    )


def _session_requests(other_session: str) -> Requests:
    """Return the requests about the session that sends them, and about another one."""
    return {
        ("PUT", "/v1/session/password"): (
            "/v1/session/password",
            {"old_password": PASSWORD, "new_password": "correct horse staple"},
        ),
        ("POST", "/v1/session/second-factor"): (
            "/v1/session/second-factor",
            {"password": PASSWORD},
        ),
        ("PUT", "/v1/session/second-factor"): ("/v1/session/second-factor", {"code": "1"}),
        ("PATCH", "/v1/session"): ("/v1/session", {"reason": "case 118"}),
        ("DELETE", "/v1/session"): ("/v1/session", None),
        ("DELETE", "/v1/session/openid"): ("/v1/session/openid", None),
        ("DELETE", "/v1/sessions/{id}"): (f"/v1/sessions/{other_session}", None),
    }
