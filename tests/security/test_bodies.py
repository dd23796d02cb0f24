"""Attacks by the content of a request: JSON, reasons, plates, names and shapes.

Every refusal is a problem document with a status below 500, and nothing is created.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest

from api.limits.request_limits import MAX_BODY_BYTES
from domain.clock import NS_PER_S, S_PER_DAY, SystemClock, rfc3339
from domain.people import Role
from tests.api.site_data import START_NS
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

IN_A_WEEK = rfc3339(SystemClock().wall_ns() + 7 * S_PER_DAY * NS_PER_S)
HOLD = {
    "camera": "east-gate",
    "from": rfc3339(START_NS),
    "to": rfc3339(START_NS + 60 * NS_PER_S),
    "reason": "theft",
}
WATCH = {"plate": "鄂F88888", "until": IN_A_WEEK, "reason": "theft", "case": "2026-1"}


def post(site: Site, path: str, body: str | bytes, **headers: str) -> httpx.Response:
    """Send a body as it is, as an investigator."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    signed_in = {
        "Authorization": f"Bearer {site.tokens[Role.INVESTIGATOR]}",
        "Content-Type": "application/json",
    }
    content = body.encode() if isinstance(body, str) else body
    with httpx.Client(trust_env=False, timeout=PATIENCE_S) as http:
        return http.post(site.url + path, content=content, headers=signed_in | names)


def _is_refused(site: Site, path: str, body: str | bytes) -> None:
    answer = post(site, path, body)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert site.get("/v1/watches").json()["items"] == []


def test_what_is_well_formed_is_accepted(site: Site) -> None:
    """The positive control of this module."""
    assert post(site, "/v1/holds", json.dumps(HOLD)).status_code == 201
    assert post(site, "/v1/watches", json.dumps(WATCH)).status_code == 201


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"reason":['])
def test_deeply_nested_json(site: Site, opening: str) -> None:
    _is_refused(site, "/v1/watches", opening * (MAX_BODY_BYTES // len(opening)))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5_000])
@pytest.mark.parametrize("field", ["until", "reason", "fuzzy", "other"])
def test_a_number_that_json_does_not_have(site: Site, number: str, field: str) -> None:
    fields = {name: json.dumps(value) for name, value in WATCH.items()} | {field: number}
    body = "{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}"
    _is_refused(site, "/v1/watches", body)


@pytest.mark.parametrize("duration", ["NaN", "Infinity", "1e999", "-1", "true", '"60"'])
def test_a_duration_that_is_no_number(site: Site, duration: str) -> None:
    answer = post(
        site,
        "/v1/cameras/east-gate/triggers",
        f'{{"reason": "theft", "duration_s": {duration}}}',
    )
    assert answer.status_code == 400, answer.text


def test_a_key_that_stands_twice(site: Site) -> None:
    body = json.dumps(WATCH)
    _is_refused(site, "/v1/watches", body.replace('"plate"', '"plate": "鄂A00001", "plate"'))
    _is_refused(site, "/v1/watches", body.replace('"plate"', '"pl\\u0061te": "鄂A00001", "plate"'))


@pytest.mark.parametrize("field", ["plate", "reason", "case", "webhook", "secret", "until", "x"])
@pytest.mark.parametrize("text", ["\\ud800", "\\u0000", "a\\u0000b", "\\udfff\\ud800"])
def test_a_text_that_no_store_can_hold(site: Site, field: str, text: str) -> None:
    fields = {name: json.dumps(value) for name, value in WATCH.items()} | {field: f'"{text}"'}
    body = "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"
    _is_refused(site, "/v1/watches", body)


@pytest.mark.parametrize("field", ["camera", "event", "reason", "from", "until"])
def test_a_hold_with_half_a_character(site: Site, field: str) -> None:
    body = json.dumps(HOLD | {field: "SURROGATE"}).replace("SURROGATE", "\\ud800")
    answer = post(site, "/v1/holds", body)
    assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    "body", [b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"null", b"[]", b'"a"', b"1", b"{", b"\x00"]
)
def test_a_body_that_is_no_json_object(site: Site, body: bytes) -> None:
    _is_refused(site, "/v1/watches", body)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_form_of_another_site(site: Site, media_type: str) -> None:
    """A browser sends these to any site without asking it first."""
    answer = post(site, "/v1/watches", json.dumps(WATCH), Content_Type=media_type)
    assert answer.status_code == 415


INVISIBLE = ["\u200b", "\u2060\ufeff", "\u00ad", "\u3164", "\u115f", "\u2800", "\u180e", "\u034f"]
"""Characters of which nothing is seen."""


@pytest.mark.parametrize(
    "reason",
    ["", "%20", "%E3%80%80", *(quote(text) for text in INVISIBLE), "%2E%2E%2E", "%2D"],
)
def test_a_reason_that_says_nothing(site: Site, reason: str) -> None:
    assert site.get("/v1/events", reason=reason).status_code in (400, 403)
    assert site.get("/v1/events", reason="theft").status_code == 200
    assert site.get("/v1/events", reason=quote("盗窃案")).status_code == 200


@pytest.mark.parametrize("text", INVISIBLE)
def test_an_invisible_reason_of_a_change(site: Site, text: str) -> None:
    _is_refused(site, "/v1/watches", json.dumps(WATCH | {"reason": text}))
    _is_refused(site, "/v1/watches", json.dumps(WATCH | {"case": text}))
    assert post(site, "/v1/holds", json.dumps(HOLD | {"reason": text})).status_code in (400, 403)


@pytest.mark.parametrize("code", [0x202A, 0x202B, 0x202C, 0x202E, 0x2066, 0x2069])
def test_a_reason_that_turns_the_text_around_it(site: Site, code: int) -> None:
    """Such characters show an audit line in another order than it has."""
    turned = "a" + chr(code) + "nosaer"
    assert site.get("/v1/events", reason=quote(turned)).status_code == 400
    assert site.get("/v1/events", X_Case=quote(turned)).status_code == 400
    _is_refused(site, "/v1/watches", json.dumps(WATCH | {"reason": turned}))


@pytest.mark.parametrize("plate", ["鄂Ｆ８８８８８", "鄂f88888", "鄂F·88888", "鄂 F88888"])
def test_another_spelling_of_a_plate_is_the_same_plate(
    site: Site, make_event: MakeEvent, plate: str
) -> None:
    """The positive control of look-alike letters."""
    site.context.index.put(make_event())
    assert len(site.get(f"/v1/events?plate={quote(plate)}").json()["items"]) == 1


@pytest.mark.parametrize(
    "plate", ["鄂\u0410\u041288888", "鄂F8888\u0417", "鄂\u039188888", "鄂F8888\u2000\u200b8"]
)
def test_a_plate_of_letters_that_look_alike(site: Site, make_event: MakeEvent, plate: str) -> None:
    """Cyrillic and Greek letters are no plate, in a search, in a watch and in a correction."""
    event = make_event()
    site.context.index.put(event)
    assert site.get(f"/v1/events?plate={quote(plate)}").status_code == 400
    _is_refused(site, "/v1/watches", json.dumps(WATCH | {"plate": plate}))
    corrected = site.get(
        f"/v1/events/{event.id}", method="PATCH", body={"plate": plate, "reason": "a"}
    )
    assert corrected.status_code == 400


@pytest.mark.parametrize(
    "within",
    [
        ";".join(["1,2"] * 51),
        "1,2;3,4",
        "1,2;3,4;nan,5",
        "1,2;3,4;inf,5",
        "1,2;3,4;1e999,5",
        "1,2;3,4;5",
        ";" * 900,
        "," * 900,
        "1_0,2;3,4;5,6",
    ],
)
def test_a_polygon_that_costs_much_or_is_none(site: Site, within: str) -> None:
    assert site.get(f"/v1/events?within={within}").status_code == 400
    star = ";".join(f"{111 + 0.5 * (i % 2)},{32 + 0.01 * i}" for i in range(50))
    assert site.get(f"/v1/events?within={star}").status_code == 200


@pytest.mark.parametrize("near", ["nan,1,1", "1,1,inf", "1,1,-1", "1,1,1e9", "1,1", "1,1,1,1"])
def test_a_circle_that_is_none(site: Site, near: str) -> None:
    assert site.get(f"/v1/events?near={near}").status_code == 400
    assert site.get("/v1/events?near=111.5,32.5,1000000").status_code == 200


@pytest.mark.parametrize("number", ["1_0", "\u0661\u0660", "0x10", "1e2", "+5", " 5", "5\u0000"])
def test_another_form_of_a_number(site: Site, number: str) -> None:
    answer = site.get(f"/v1/events?limit={quote(number)}")
    assert answer.status_code < 500
    assert len(answer.json().get("items", [])) <= 500
    assert site.get("/v1/events?limit=5").status_code == 200


def test_invalid_utf_8_in_every_place_of_an_address(site: Site) -> None:
    for target in ("/v1/events?plate=%ff%fe", "/v1/cameras/%ff", "/v1/events?%ff=1", "/%c0%ae"):
        assert 400 <= site.get(target).status_code < 500


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        ('"1"', 200),
        ("*", 200),
        ('"2"', 412),
        ('"999999999"', 412),
        ('W/"1"', 400),
        ('"1", "2"', 400),
        ('"01"', 400),
        ('"0"', 400),
        ('"-1"', 400),
        ("1", 400),
        ("", 400),
        ('"\u0661"', 400),
        ('"9999999999"', 400),
    ],
)
def test_a_version_that_is_not_the_one_that_was_seen(
    site: Site, if_match: str, status: int
) -> None:
    """No form of `If-Match` changes a record that another person has changed."""
    placed = post(site, "/v1/holds", json.dumps(HOLD))
    path = f"/v1/holds/{placed.json()['id']}"
    change = {"until": rfc3339(SystemClock().wall_ns() + 3_600 * NS_PER_S), "reason": "theft"}
    answer = site.get(path, method="PATCH", body=change, If_Match=if_match)
    assert answer.status_code == status, answer.text
    kept = site.get(path).json()
    assert (kept["until"] is None) == (status != 200)
