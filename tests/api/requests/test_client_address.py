"""X-Forwarded-For counts only where a trusted proxy wrote it."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from api.app import make_app
from api.requests.client_address import client_address
from domain.settings import Settings

if TYPE_CHECKING:
    from tests.api.conftest import Site

PROXIES = [ip_network("10.0.0.0/24"), ip_network("fd00::/64")]


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.0.1.1", ["198.51.100.7"], "10.0.1.1"),
        ("", ["198.51.100.7"], ""),
    ],
)
def test_only_what_trusted_proxies_wrote_counts(
    peer: str, headers: list[str], expected: str
) -> None:
    scope = {
        "client": (peer, 1),
        "headers": [(b"x-forwarded-for", value.encode()) for value in headers],
    }
    assert client_address(scope, PROXIES) == expected
    assert client_address(scope, []) == peer.removeprefix("::ffff:")


def test_a_request_without_a_client_has_no_address() -> None:
    assert client_address({"client": None, "headers": []}, PROXIES) == ""


@pytest.mark.parametrize(
    ("trusted", "expected"), [("127.0.0.0/8", "198.51.100.7"), ("10.0.0.0/8", "127.0.0.1")]
)
def test_the_audit_log_has_the_address_behind_a_trusted_proxy_only(
    site: Site, trusted: str, expected: str
) -> None:
    settings = Settings(**(site.context.settings.model_dump() | {"trusted_proxies": trusted}))
    with site.serve(make_app(replace(site.context, settings=settings))) as url:
        site = replace(site, url=url)
        assert site.get("/v1/events", X_Forwarded_For="198.51.100.7").status_code == 200
    assert json.loads(site.audit_lines()[-1])["address"] == expected
