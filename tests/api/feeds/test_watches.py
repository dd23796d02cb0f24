"""Watches over HTTP: placed with reason and case, listed, ended; their matches are in the feed."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from api.feeds.webhook_address import target_of
from domain.clock import NS_PER_DAY, rfc3339
from domain.errors import BadInput
from domain.events.misreadings import MatchKind
from domain.events.watches import WatchMatch, match_id
from domain.people import Role
from domain.settings import Settings, check_settings
from tests.sse import messages

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent

NETWORKS = (ip_network("127.0.0.0/8"), ip_network("10.3.0.0/16"), ip_network("fd00::/8"))


def asked(site: Site, **changes: object) -> dict[str, Any]:
    until = rfc3339(site.context.clock.wall_ns() + 7 * NS_PER_DAY)
    return {"plate": "鄂c·12345", "until": until, "reason": "肇事逃逸", "case": "案118", **changes}


def test_a_watch_is_placed_listed_and_ended_and_the_audit_log_says_why(site: Site) -> None:
    placed = site.get("/v1/watches", Role.INVESTIGATOR, None, "POST", asked(site))
    assert placed.status_code == 201, placed.text
    watch = placed.json()
    assert (watch["plate"], watch["case"], watch["secret"], watch["webhook"]) == (
        "鄂C12345",
        "案118",
        None,
        None,
    )
    entry = json.loads(site.audit_lines()[-1])
    assert (entry["route"], entry["reason"], entry["case"], entry["terms"]["plate"]) == (
        "watch.place",
        "肇事逃逸",
        "案118",
        "鄂C12345",
    )
    (listed,) = site.get("/v1/watches").json()["items"]
    assert listed == {name: value for name, value in watch.items() if name != "secret"}
    ended = site.get(f"/v1/watches/{watch['id']}", method="DELETE", reason="found").json()
    assert (ended["ended"], ended["ended_by"]) == ("deleted", watch["placed_by"])
    assert json.loads(site.audit_lines()[-1])["reason"] == "found"
    assert site.get("/v1/watches").json()["items"] == []
    assert site.get("/v1/watches?ended=1").json()["items"] == [ended]
    assert site.get(f"/v1/watches/{watch['id']}").json() == {**ended, "dead": []}


def test_a_watch_is_extended_and_an_older_version_is_refused(site: Site) -> None:
    placed = site.get("/v1/watches", method="POST", body=asked(site))
    path, seen = placed.headers["Location"], placed.headers["ETag"]
    until = rfc3339(site.context.clock.wall_ns() + 9 * NS_PER_DAY)
    body = {"until": until, "reason": "not found yet"}
    extended = site.get(path, method="PATCH", body=body, If_Match=seen)
    assert (extended.status_code, extended.json()["until"]) == (200, until), extended.text
    assert site.get("/v1/watches").json()["items"] == [extended.json()], "also in Redis"
    assert site.get(path).headers["ETag"] == extended.headers["ETag"] != seen
    for method in ("PATCH", "DELETE"):
        late = body if method == "PATCH" else None
        assert site.get(path, method=method, body=late, If_Match=seen).status_code == 412
    assert site.get(path, method="DELETE").status_code == 200
    assert site.get(path, method="PATCH", body=body).status_code == 409
    assert site.get("/v1/watches").json() == {"items": [], "next": None}


def test_a_secret_is_returned_once(open_site: OpenSite) -> None:
    site = open_site(settings=Settings(webhook_networks="127.0.0.0/8"))
    body = asked(site, webhook="http://127.0.0.1:9/x")
    drawn = site.get("/v1/watches", method="POST", body=body).json()
    given = site.get(
        "/v1/watches", method="POST", body={**body, "secret": "0123456789abcdef"}
    ).json()
    assert len(drawn["secret"]) >= 32
    assert given["secret"] == "0123456789abcdef"
    for path in ("/v1/watches", f"/v1/watches/{given['id']}", f"/v1/watches/{drawn['id']}"):
        text = site.get(path).text
        assert "secret" not in text
        assert drawn["secret"] not in text
    assert not any(
        drawn["secret"] in line or given["secret"] in line for line in site.audit_lines()
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"plate": "鄂?*"}, "plate"),
        ({"plate": "###"}, "plate"),
        ({"plate": "鄂C1?345", "fuzzy": True}, "fuzzy"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"until": "2099-01-01T00:00:00Z"}, "until"),
        ({"reason": " "}, None),
        ({"case": ""}, None),
        ({"person": "li.wei"}, None),
        ({"webhook": "http://127.0.0.1/"}, "webhook"),
        ({"secret": "0123456789abcdef"}, "secret"),
    ],
)
def test_an_invalid_watch_is_refused(
    site: Site, changes: dict[str, object], field: str | None
) -> None:
    answer = site.get("/v1/watches", method="POST", body=asked(site, **changes))
    assert answer.status_code == 400, answer.text
    assert field is None or answer.json()["field"] == field
    assert site.get("/v1/watches").json()["items"] == []


def test_a_watch_needs_the_right(site: Site) -> None:
    for role in (Role.OPERATOR, Role.INTEGRATOR, Role.AUDITOR):
        assert site.get("/v1/watches", role, method="POST", body=asked(site)).status_code == 403
        assert site.get("/v1/watches/feed?seconds=0", role).status_code == 403


def test_matches_are_sent(site: Site, make_event: MakeEvent) -> None:
    event = make_event(3)
    match = WatchMatch(
        id=match_id("20261124-00000001", event.id),
        watch="20261124-00000001",
        plate="鄂F*",
        tie=MatchKind.EXACT,
        why="read so",
        matched_at=event.ended_at,
        event=event,
        case="118",
    )
    before = site.context.matches.after(0, 1).last
    site.context.matches.add([(match, False)], 1, 0)
    _, message = messages(site.get(f"/v1/watches/feed?seconds=0&after={before}"))
    assert (message.name, message.data["match"]["id"], message.data["match"]["event"]["id"]) == (
        "match",
        match.id,
        event.id,
    )
    assert message.data["match"]["event"]["crop"].startswith("/v1/events/")
    address = site.get("/v1/watches/feed/ticket").json()["address"]
    assert [
        one.id for one in messages(site.http.get(f"{site.url}{address}&after={before}&seconds=0"))
    ][-1] == message.id
    ticket = address.partition("ticket=")[2]
    assert site.http.get(f"{site.url}/v1/events/feed?seconds=0&ticket={ticket}").status_code == 403


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080/a?b=c", "http://127.0.0.1:8080/a?b=c"),
        ("https://10.3.4.5/", "https://10.3.4.5:443/"),
        ("http://[fd00::1]:81", "http://[fd00::1]:81/"),
        ("http://[::ffff:127.0.0.1]/", "http://127.0.0.1:80/"),
        ("http://2130706433/", "http://127.0.0.1:80/"),
    ],
)
def test_a_webhook_goes_to_the_address_that_was_checked(url: str, expected: str) -> None:
    assert target_of(url, NETWORKS).url == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://10.4.0.1/",
        "http://169.254.169.254/latest/",
        "http://[::1]/",
        "http://0.0.0.0/",
        "ftp://127.0.0.1/",
        "http://u:p@127.0.0.1/",
        "http:///x",
        "file:///etc/passwd",
        "http://127.0.0.1:99999/",
        "http://no-such-host.invalid/",
        "http://127.0.0.1/#x",
        "http://[::1",
        "x",
    ],
)
def test_a_webhook_outside_the_networks_is_refused(url: str) -> None:
    with pytest.raises(BadInput):
        target_of(url, NETWORKS)
    with pytest.raises(BadInput):
        target_of("http://127.0.0.1/", ())


def test_a_refused_address_does_not_repeat_its_password() -> None:
    with pytest.raises(BadInput) as refused:
        target_of("http://user:hunter2#@127.0.0.1/", NETWORKS)
    assert "hunter2" not in f"{refused.value} {refused.value.__cause__}"


@pytest.mark.parametrize("field", ["secret", "password"])
def test_a_refused_secret_is_not_repeated(site: Site, field: str) -> None:
    answer = site.get(
        "/v1/watches",
        method="POST",
        body={"plate": "鄂F88888", "until": "2030-01-01T00:00:00Z", field: "hunter2"},
    )
    assert (answer.status_code, "hunter2" in answer.text) == (400, False)
    assert f"{field}:" in answer.json()["detail"]


def test_invalid_networks_are_reported_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_WEBHOOK_NETWORKS", "10.3.0.0/16, somewhere")
    with pytest.raises(BadInput, match="SIGHTLINE_WEBHOOK_NETWORKS"):
        check_settings()
