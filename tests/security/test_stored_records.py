"""Attacks by a stolen node, which can write to Redis and to the object store of the site.

It must not gain rights, and one bad record must not stop a process that reads many.
"""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING

import httpx
import pytest

from api.events.media import _disposition
from domain.clock import NS_PER_S, SystemClock
from domain.errors import DataLoss
from domain.events.event import Sidecar
from domain.metrics import PERSON_RECORDS_REFUSED
from domain.paths.object_keys import (
    CLIP,
    SIDECAR,
    SNAPSHOT,
    audit_lines_object,
    event_object,
    hold_object,
)
from domain.people import Right, Role
from storage.audit.check import verify
from storage.audit.stored_lines import StoredAudit
from storage.clients.gzip_objects import unpacked
from storage.clients.redis import text, texts
from storage.clients.s3 import RECORD_MAX_BYTES
from storage.events.journal import stored_part
from storage.site.holds import Holds
from storage.site.people import _hash
from storage.site.people_index import RECORDS, TOKENS
from tests.api.events.test_media import keep
from tests.api.site_data import START_NS

if TYPE_CHECKING:
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

HUGE = b'{"x":"' + b"a" * RECORD_MAX_BYTES + b'"}'


def _record(site: Site, role: Role) -> tuple[str, dict[str, object]]:
    """Return the name and the stored record of a person."""
    person = site.context.people.by_token(site.tokens[role])
    assert person is not None
    found = text(site.redis.do("HGET", RECORDS, person.name))
    assert found is not None
    return person.name, json.loads(found)


def _status(site: Site, token: str, path: str = "/v1/events") -> int:
    headers = {"Authorization": f"Bearer {token}", "X-Reason": "a test"}
    return site.http.get(site.url + path, headers=headers).status_code


@pytest.mark.parametrize(
    "change",
    [
        {"role": "investigator"},
        {"grants": [Right.EVENTS_READ]},
        {"role": "investigator", "mac": ""},
        {"role": "investigator", "mac": None},
        {"role": "investigator", "schema": 1},
        {"areas": ["elsewhere"]},
        {"unknown": "field"},
        {"tokens": []},
    ],
)
def test_a_person_record_that_a_node_changed(site: Site, change: dict[str, object]) -> None:
    token = site.tokens[Role.AUDITOR]
    name, record = _record(site, Role.AUDITOR)
    assert _status(site, token, "/v1/session") == 200
    before = PERSON_RECORDS_REFUSED._value.get()
    site.redis.do("HSET", RECORDS, name, json.dumps(record | change))
    assert _status(site, token) == 401
    assert _status(site, token, "/v1/session") == 401
    assert PERSON_RECORDS_REFUSED._value.get() > before
    assert name in site.context.people.refused()


def test_a_person_record_under_another_name(site: Site) -> None:
    """The record of an investigator becomes that of an auditor."""
    auditor, _ = _record(site, Role.AUDITOR)
    _, strong = _record(site, Role.INVESTIGATOR)
    site.redis.do("HSET", RECORDS, auditor, json.dumps(strong))
    assert _status(site, site.tokens[Role.AUDITOR]) == 401
    assert _status(site, site.tokens[Role.INVESTIGATOR]) == 200


def test_a_token_of_the_node_for_a_person(site: Site) -> None:
    name, _ = _record(site, Role.INVESTIGATOR)
    site.redis.do("HSET", TOKENS, _hash("sl_chosen"), name)
    assert _status(site, "sl_chosen") == 401
    assert _status(site, site.tokens[Role.INVESTIGATOR]) == 200


def test_an_old_record_that_has_a_revoked_token(site: Site) -> None:
    name, before = _record(site, Role.INVESTIGATOR)
    token = site.tokens[Role.INVESTIGATOR]
    assert _status(site, token) == 200
    site.context.people.revoke(name)
    assert _status(site, token) == 401
    site.redis.do("HSET", RECORDS, name, json.dumps(before))
    assert _status(site, token) == 401


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"\xff", b"{" * 10_000, HUGE], ids=len)
def test_a_hold_that_no_program_wrote(site: Site, content: bytes) -> None:
    """It hides no other hold, is reported, and stops retention, not the API."""
    hold = {"camera": "east-gate", "reason": "theft"}
    span = {"from": "2025-11-24T16:00:00Z", "to": "2025-11-24T16:01:00Z"}
    placed = site.get("/v1/holds", method="POST", body=hold | span)
    assert placed.status_code == 201
    key = hold_object("20250101-00000000", 1)
    site.context.objects.put(key, content, "application/json")
    try:
        listed = site.get("/v1/holds").json()
        assert placed.json()["id"] in [one["id"] for one in listed["items"]]
        assert [one["key"] for one in listed["damaged"]] == [key]
        with pytest.raises(DataLoss):
            Holds(site.context.objects, site.context.clock).held()
    finally:
        site.context.objects.delete(key)


@pytest.mark.parametrize("key", ["registry/1.json", "state/watches/x/0000000001.json"])
def test_a_record_that_would_fill_the_memory(site: Site, key: str) -> None:
    site.context.objects.put(f"security/{key}", HUGE, "application/json")
    with pytest.raises(DataLoss, match="at most"):
        site.context.objects.get(f"security/{key}")
    assert site.context.objects.get(f"security/{key}", len(HUGE)) == HUGE


def test_a_packed_object_that_would_fill_the_memory() -> None:
    bomb = gzip.compress(b"\n" * (64 << 20))
    assert len(bomb) < 100_000
    with pytest.raises(DataLoss, match="more than"):
        unpacked(bomb, "key", 1 << 20)
    with pytest.raises(DataLoss, match="more than"):
        unpacked(gzip.compress(b"a" * 600_000) * 2, "key", 1 << 20)
    assert unpacked(gzip.compress(b"a\n"), "key", 2) == b"a\n"


def test_audit_lines_that_would_fill_the_memory(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.clients.gzip_objects.unpacked.__defaults__", (1 << 20,))
    key = audit_lines_object("node-x", START_NS // NS_PER_S, "0" * 64)
    site.context.objects.put(key, gzip.compress(b"\n" * (2 << 20)), "application/gzip")
    try:
        with pytest.raises(DataLoss):
            StoredAudit(site.context.objects).read(key)
        with pytest.raises(DataLoss):
            stored_part(site.context.objects, key)
        listed = site.get("/v1/audit", Role.AUDITOR)
        assert listed.status_code == 200
        assert listed.json()["damaged_count"] >= 1
        assert any(key in fault.where for fault in verify(site.context.objects).faults)
    finally:
        site.context.objects.delete(key)


@pytest.mark.parametrize("data", [b"", b"1", b"1garbage", b"\xff" * 100, b'{"id": 1}'], ids=len)
def test_an_entry_of_the_feed_that_cannot_be_read(
    site: Site, make_event: MakeEvent, data: bytes
) -> None:
    """It would end the feed of everybody and the matching of watches, at each try again."""
    feed = site.context.feed
    feed.add_all([make_event(0)])
    feed._arrivals.add([data])
    feed.add_all([make_event(1)])
    assert [event.id for _, event in feed.after(0, 10).items] == [
        make_event(0).id,
        make_event(1).id,
    ]
    answer = site.get("/v1/events/feed?seconds=0&after=0")
    assert make_event(1).id in answer.text


@pytest.mark.parametrize("name", [CLIP, SNAPSHOT])
def test_a_sidecar_that_names_the_file_of_another_event(
    site: Site, make_event: MakeEvent, name: str
) -> None:
    """A person would get what is outside the scope, or a record of the site."""
    other, event = make_event(0, clip_ready=True), make_event(1, "west-gate", clip_ready=True)
    keep(site, other)
    keep(site, event)
    path = f"/v1/events/{event.id}/{name.partition('.')[0]}"
    assert site.get(path).status_code == 200
    objects = site.context.objects
    key = event_object(event.camera, event.id, SIDECAR)
    sidecar = Sidecar.model_validate_json(objects.get(key))
    foreign = Sidecar.model_validate_json(
        objects.get(event_object(other.camera, other.id, SIDECAR))
    ).objects[name]
    changed = sidecar.model_copy(update={"objects": sidecar.objects | {name: foreign}})
    objects.put(key, changed.model_dump_json(by_alias=True).encode(), "application/json")
    objects.put(event_object(event.camera, event.id, name), b"changed", "video/mp4")
    assert site.get(path).status_code == 500
    objects.delete(event_object(event.camera, event.id, name))
    assert site.get(path).status_code == 500


def test_a_picture_that_would_fill_the_memory(
    site: Site, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = make_event(2, clip_ready=True)
    keep(site, event)
    path = f"/v1/events/{event.id}/crop"
    assert site.get(path).status_code == 200
    monkeypatch.setattr("storage.events.verified_objects.PICTURE_MAX_BYTES", 4)
    assert site.get(path).status_code == 500


@pytest.mark.parametrize(
    "url",
    [
        "http://203.0.113.7/",
        "http://0.0.0.0:1/",
        "http://localhost.evil.example/",
        "file:///etc/passwd",
        "https://127.0.0.1:1/",
        "http://[::1",
        "http://127.0.0.1:1@203.0.113.7/",
        "",
    ],
)
def test_a_node_entry_that_leads_elsewhere(site: Site, url: str) -> None:
    """Requests of the API, with their tokens, go to no host without the certificate of the node."""
    site.hold("east-gate", "node-1", url or "/")
    answer = site.get("/v1/cameras/east-gate/picture")
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:node_offline",
    )


POISON = (b"", b"\xff\xfe", b"{", b"null", b"[1]", b'{"schema": 99}', b"9" * 5_000)


@pytest.mark.parametrize("poison", POISON, ids=len)
def test_a_value_in_redis_that_no_program_wrote(
    site: Site, make_event: MakeEvent, poison: bytes
) -> None:
    """Everything but the index of events, which has a check of its own."""
    site.context.index.put(make_event())
    site.hold("east-gate")
    assert site.get("/v1/events").status_code == 200
    for key in texts(site.redis.do("KEYS", "*")):
        if key.startswith("{e"):
            continue
        kind = text(site.redis.do("TYPE", key))
        if kind == "string":
            site.redis.do("SET", key, poison)
        elif kind == "hash" and not key.startswith("{people}"):
            for field in texts(site.redis.do("HKEYS", key)):
                site.redis.do("HSET", key, field, poison)
    for path in (
        "/v1/cameras",
        "/v1/cameras/east-gate",
        "/v1/cameras/east-gate/picture",
        "/v1/alarms",
        "/v1/events",
        "/v1/watches",
        "/v1/events/feed?seconds=0",
        "/v1/watches/feed?seconds=0",
        "/readyz",
    ):
        answer = site.get(path)
        assert answer.status_code != 500, f"{path}: {answer.text}"


def test_an_answer_for_the_idempotency_key_of_another_person(site: Site) -> None:
    """A key belongs to one person, so no person gets the answer of another."""
    hold = {"camera": "east-gate", "reason": "theft"}
    span = {"from": "2025-11-24T16:00:00Z", "to": "2025-11-24T16:01:00Z"}

    def place(token: str) -> tuple[int, str, str]:
        answer = site.http.post(
            site.url + "/v1/holds",
            json=hold | span,
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "k"},
        )
        return (
            answer.status_code,
            answer.json()["id"],
            answer.headers.get("Idempotency-Replayed", ""),
        )

    first, other = (
        site.context.people.add(name, Role.INVESTIGATOR).token
        for name in ("ann", f"bob-{SystemClock().wall_ns() // NS_PER_S}")
    )
    one, again, theirs = place(first), place(first), place(other)
    assert (one[0], again[0], theirs[0]) == (201, 201, 201)
    assert (again[1], again[2]) == (one[1], "true")
    assert (theirs[1] != one[1], theirs[2]) == (True, "")


FORGED = ['a"; filename="b.html', "a\r\nSet-Cookie: a=b", "../../x", "a\x00b", "车", "a" * 3_000]


@pytest.mark.parametrize("camera", FORGED, ids=len)
def test_an_event_whose_camera_breaks_a_header(
    site: Site, make_event: MakeEvent, camera: str
) -> None:
    event = make_event(3, clip_ready=True).model_copy(update={"camera": camera})
    site.context.index.put(event)
    for rest in ("clip", "snapshot", "crop"):
        site.context.objects.put(event_object("east-gate", event.id, CLIP), b"x", "video/mp4")
        answer = site.get(f"/v1/events/{event.id}/{rest}")
        assert answer.status_code in (404, 500, 503)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "internal" not in answer.json()["type"]
        assert "Set-Cookie" not in answer.headers
    disposition = _disposition(event, CLIP)
    assert re.fullmatch(r'inline; filename="[A-Za-z0-9._-]+\.mp4"', disposition)
    assert "east-gate_" in _disposition(make_event(3), CLIP)


@pytest.mark.parametrize("node", ["a\r\nSet-Cookie: a=b", "车", 'a"', "", "node-1 x", "A" * 100])
def test_a_lease_of_a_node_whose_name_breaks_a_header(site: Site, node: str) -> None:
    """The names of nodes that do not answer are in `Sightline-Offline`."""
    site.redis.do("HSET", "{leases}:held", "east-gate", f"9000000000 {node}")
    span = "from=2025-11-24T16:00:00Z&to=2025-11-24T16:00:04Z"
    answer = site.get(f"/v1/cameras/east-gate/playlist.m3u8?{span}")
    assert answer.status_code in (200, 503)
    assert "Set-Cookie" not in answer.headers
    assert node.strip() not in answer.headers.get("Sightline-Offline", "") or not node
    assert "internal" not in answer.text


def test_an_answer_of_redis_with_headers_of_its_own(site: Site) -> None:
    """A stored answer brings no cookie and no location of another site."""
    body = {
        "camera": "east-gate", "reason": "theft",
        "from": "2025-11-24T16:00:00Z", "to": "2025-11-24T16:01:00Z",
    }  # fmt: skip

    def place(key: str) -> httpx.Response:
        return site.get("/v1/holds", method="POST", body=body, Idempotency_Key=key)

    assert place("one").status_code == 201
    (stored,) = texts(site.redis.do("KEYS", "{requests}:answer:*"))
    record = json.loads(text(site.redis.do("GET", stored)) or "")
    record["answer"]["headers"]["Set-Cookie"] = "session=chosen"
    site.redis.do("SET", stored, json.dumps(record))
    again = place("one")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert "Set-Cookie" not in again.headers
    site.redis.do("SET", stored, "{")
    assert place("one").status_code == 422
    assert place("two").status_code == 201
