"""Answers are compressed where that pays, and never where it would disclose a secret."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from api.access.compression import LEAST_BYTES, accepts_gzip, gzip_chunks
from api.routes import ROUTES
from domain.people import Role
from storage.audit.shipping import AuditShipper

if TYPE_CHECKING:
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

SECRET_NAME = re.compile(r"secret|token|password|ticket|csrf|otp|recovery", re.IGNORECASE)
NOT_SECRET = {"tokens", "TokenView"}
"""Names that look like secrets: of a token they have its name and its times."""


@pytest.mark.parametrize(
    ("header", "is_accepted"),
    [
        ("", False),
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("*", True),
        ("gzip;q=0, *", False),
        ("identity", False),
    ],
)
def test_gzip_is_used_if_the_client_accepts_it(header: str, is_accepted: bool) -> None:
    assert accepts_gzip(header) is is_accepted


def fill(site: Site, make_event: MakeEvent) -> None:
    site.context.index.put_all([make_event(number) for number in range(40)])


def test_a_list_is_compressed_and_has_the_same_content(site: Site, make_event: MakeEvent) -> None:
    fill(site, make_event)
    packed, plain = (
        site.get("/v1/events", Accept_Encoding="gzip"),
        site.get("/v1/events", Accept_Encoding="identity"),
    )
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert (
        packed.headers["Vary"]
        == plain.headers["Vary"]
        == ("Accept-Language, Accept, Accept-Encoding")
    )
    assert packed.json()["items"] == plain.json()["items"]
    size_bytes = int(packed.headers["Content-Length"])
    assert size_bytes == packed.num_bytes_downloaded < len(plain.content) / 4


def test_a_short_answer_is_not_compressed(site: Site) -> None:
    answer = site.get("/v1/alarms", Accept_Encoding="gzip")
    assert len(answer.content) < LEAST_BYTES
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Language, Accept-Encoding"


@pytest.mark.parametrize("path", ["/openapi.json", "/metrics"])
def test_texts_are_compressed(site: Site, path: str) -> None:
    packed = site.get(path, Role.METRICS, Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.num_bytes_downloaded < len(packed.content)


def test_a_stream_is_compressed_while_it_is_sent(site: Site) -> None:
    for number in range(30):
        site.get(f"/v1/events?camera=gate-{number}")
    context = site.context
    AuditShipper(context.audit, context.objects, "api-1", context.clock).run_once()
    packed = site.get("/v1/audit/export?call=events.search", Role.AUDITOR, Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Length" not in packed.headers
    *lines, summary = packed.text.splitlines()
    assert (len(lines), summary.startswith('{"summary"')) == (30, True)


def test_an_interrupted_stream_is_no_complete_gzip_file() -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * 100_000
        raise OSError("the source is lost")

    packed: list[bytes] = []
    unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
    with pytest.raises(OSError, match="the source is lost"):
        packed.extend(gzip_chunks(broken()))
    unpacking.decompress(b"".join(packed))
    assert not unpacking.eof


@pytest.mark.parametrize(
    "path", ["/v1/events/feed?seconds=0", "/v1/events/feed/ticket", "/v1/events?limit=0"]
)
def test_feeds_tickets_and_problems_are_never_compressed(site: Site, path: str) -> None:
    answer = site.get(path, Accept_Encoding="gzip")
    assert "Content-Encoding" not in answer.headers
    assert "Accept-Encoding" not in answer.headers.get("Vary", "")


def test_media_are_never_compressed_and_head_agrees(site: Site, make_event: MakeEvent) -> None:
    event = make_event(0)
    site.spool_passing(event)
    site.hold(event.camera)
    path = f"/v1/events/{event.id}/snapshot"
    packed, plain = (
        site.get(path, Accept_Encoding="gzip"),
        site.get(path, Accept_Encoding="identity"),
    )
    assert packed.status_code == 200
    assert "Content-Encoding" not in packed.headers
    assert packed.headers["ETag"] == plain.headers["ETag"]
    assert not [route.path for route in ROUTES if route.allows_head and route.may_be_compressed]


def test_no_answer_with_an_etag_is_compressed(site: Site) -> None:
    """`If-Match` sends the ETag back, so both encodings must not share it."""
    tagged = [route for route in ROUTES if "ETag" in route.headers]
    assert tagged
    assert not [route.path for route in tagged if route.may_be_compressed]
    body = {"camera": "east-gate", "from": "2025-11-24T16:00:00Z", "to": "2025-11-24T17:00:00Z"}
    placed = site.get("/v1/holds", method="POST", body=body | {"reason": "x" * 450})
    answer = site.get(placed.headers["Location"], Accept_Encoding="gzip")
    assert answer.headers["ETag"] == placed.headers["ETag"]
    assert "Content-Encoding" not in answer.headers


def names_in(schema: Any, schemas: dict[str, Any], seen: set[str]) -> Iterator[str]:
    """Yield the names of all fields of a schema and of those that it refers to."""
    if isinstance(schema, list):
        for item in schema:
            yield from names_in(item, schemas, seen)
    if not isinstance(schema, dict):
        return
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name and name not in seen:
        seen.add(name)
        yield name
        yield from names_in(schemas[name], schemas, seen)
    yield from schema.get("properties", {})
    for value in schema.values():
        yield from names_in(value, schemas, seen)


def test_no_answer_with_a_secret_may_be_compressed(site: Site) -> None:
    """The length of a compressed answer would disclose its secret, a byte at a time (BREACH)."""
    spec = site.http.get(f"{site.url}/openapi.json").json()
    secrets: dict[str, set[str]] = {}
    for route in ROUTES:
        answers = spec["paths"][route.path][route.method.lower()]["responses"]
        content = answers[str(route.success_status)].get("content", {})
        names = set(names_in(content, spec["components"]["schemas"], set())) - NOT_SECRET
        secrets[f"{route.method} {route.path}"] = {n for n in names if SECRET_NAME.search(n)}
    assert secrets["GET /v1/events/feed/ticket"], "the test finds secrets"
    assert secrets["POST /v1/watches"], "the test finds secrets"
    disclosed = {
        f"{route.method} {route.path}": found
        for route in ROUTES
        if route.may_be_compressed and (found := secrets[f"{route.method} {route.path}"])
    }
    assert not disclosed, "declare these routes with `answers_secret`"
