"""A repeated request with an idempotency key gets the first answer and has no second effect."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from api.app import make_app
from domain.errors import KeyBusy
from domain.people import Role
from storage.clients.redis import connect
from storage.site.idempotency import IdempotencyKeys
from tests.api.feeds.test_watches import asked as watch_asked
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import Site

HOLD = {
    "camera": "east-gate",
    "from": "2025-11-24T16:00:00Z",
    "to": "2025-11-24T17:00:00Z",
    "reason": "case 118",
}


def post(site: Site, body: object, key: str, path: str = "/v1/holds") -> httpx.Response:
    return site.get(path, method="POST", body=body, Idempotency_Key=key)


@pytest.mark.parametrize("kind", ["holds", "watches"])
def test_a_repeated_request_has_the_same_answer(site: Site, kind: str) -> None:
    body = HOLD if kind == "holds" else watch_asked(site)
    first = post(site, body, "a-key", f"/v1/{kind}")
    again = post(site, body, "a-key", f"/v1/{kind}")
    assert (again.status_code, again.json()) == (201, first.json())
    for name in ("Location", "ETag", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (
        None,
        "true",
    )
    assert [one["id"] for one in site.get(f"/v1/{kind}").json()["items"]] == [first.json()["id"]]


def test_a_replayed_answer_is_in_the_audit_log_without_an_intent(site: Site) -> None:
    post(site, HOLD, "a-key")
    before = len(site.audit_lines())
    post(site, HOLD, "a-key")
    (line,) = map(json.loads, site.audit_lines()[before:])
    assert (line["phase"], line["status"], line["terms"]["replayed"]) == ("outcome", 201, "true")


def test_another_request_with_the_key_is_refused(site: Site) -> None:
    assert post(site, HOLD, "a-key").status_code == 201
    refused = post(site, {**HOLD, "reason": "case 119"}, "a-key")
    assert (refused.status_code, refused.json()["type"]) == (
        422,
        "urn:sightline:problem:key_reused",
    )
    assert post(site, HOLD, "another-key").status_code == 201
    other = site.get("/v1/holds", Role.ADMIN, method="POST", body=HOLD, Idempotency_Key="a-key")
    assert "Idempotency-Replayed" not in other.headers, "a key belongs to one person"


@pytest.mark.parametrize("key", ["", "two words", "x" * 201])
def test_a_malformed_key_is_refused(site: Site, key: str) -> None:
    refused = post(site, HOLD, key)
    assert (refused.status_code, refused.json()["field"]) == (400, "Idempotency-Key")


def test_a_failed_request_may_be_sent_again(site: Site) -> None:
    body = {**HOLD, "camera": "nowhere"}
    assert [post(site, body, "a-key").status_code for _ in range(2)] == [404, 404]


def test_two_processes_and_a_restart_have_one_answer(site: Site, valkey_server: str) -> None:
    other = replace(site.context, idempotency=IdempotencyKeys(connect(valkey_server)))
    with site.serve(make_app(other)) as url:
        token = site.tokens[Role.INVESTIGATOR]
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "a-key"}
        urls = [site.url, url] * 4

        def send(address: str) -> httpx.Response:
            return httpx.post(
                f"{address}/v1/holds",
                json=HOLD,
                headers=headers,
                trust_env=False,
                timeout=PATIENCE_S,
            )

        with ThreadPoolExecutor(len(urls)) as threads:
            answers = list(threads.map(send, urls))
        made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len(made) == 1
        assert {send(address).json()["id"] for address in urls} == made
    assert {item["id"] for item in site.get("/v1/holds").json()["items"]} == made


def test_a_try_that_died_after_its_record_was_written_is_completed(site: Site) -> None:
    """Its answer was never stored, and neither hold nor watch may be made again."""
    bodies = {"holds": HOLD, "watches": watch_asked(site)}
    for kind, body in bodies.items():
        placed = post(site, body, kind, f"/v1/{kind}").json()
        (record,) = [
            key for key in _answers(site) if placed["id"] in str(site.redis.do("GET", key))
        ]
        stored = json.loads(str(site.redis.do("GET", record)))
        site.redis.do("SET", record, json.dumps({**stored, "answer": None}))
        again = post(site, body, kind, f"/v1/{kind}")
        assert (again.status_code, again.json()) == (201, placed)
        assert "Idempotency-Replayed" not in again.headers
        assert len(site.get(f"/v1/{kind}").json()["items"]) == 1


def _answers(site: Site) -> list[str]:
    keys = site.redis.do("KEYS", "{requests}:answer:*")
    assert isinstance(keys, list)
    return [str(key) for key in keys]


def test_a_key_is_in_use_while_its_request_runs(site: Site) -> None:
    keys = site.context.idempotency
    with (
        keys.running("li", "a-key", b"x", lambda: "1"),
        pytest.raises(KeyBusy),
        keys.running("li", "a-key", b"x", lambda: "2"),
    ):
        pytest.fail("it runs twice")
    with keys.running("li", "a-key", b"x", lambda: "3") as keyed:
        assert (keyed.new_id, keyed.answer) == ("1", None)
