"""Attacks on the node API: replayed, moved and forged requests, and what it serves."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from api.nodes.tokens import sign
from api.nodes.wire_names import PATH_PREFIX
from domain.clock import NS_PER_S, ManualClock, SystemClock
from domain.people import Role
from sightline.keys.api_trust import ApiTrust
from sightline.keys.register import Purpose
from sightline.keys.site_keys import SiteKeys, signing_name
from sightline.processes.certificates import CertificateRequest, issue, make_authority, wall_time
from tests.api.site_data import NODE, SIGNER
from tests.security.raw_http import statuses
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

HEALTH = f"{PATH_PREFIX}/health"


def _get(site: Site, target: str, token: str, method: str = "GET") -> int:
    headers = {"Authorization": token}
    with httpx.Client(trust_env=False, timeout=PATIENCE_S) as http:
        return http.request(method, site.node_api_url + target, headers=headers).status_code


def _token(target: str = HEALTH, node: str = NODE, method: str = "GET", age_s: float = 0) -> str:
    now_ns = SystemClock().wall_ns() - round(age_s * NS_PER_S)
    return sign(SIGNER, node, method, target.encode(), now_ns)


def test_a_request_that_is_replayed(site: Site) -> None:
    token = _token()
    assert _get(site, HEALTH, token) == 200
    assert _get(site, HEALTH, token) == 401
    assert _get(site, HEALTH, _token()) == 200


def test_a_request_to_another_node(site: Site) -> None:
    """A node that receives a request presents it to its neighbour."""
    assert _get(site, HEALTH, _token(node="node-2")) == 401


@pytest.mark.parametrize(
    "target", [f"{HEALTH}?x=1", f"{HEALTH}/", HEALTH.upper(), f"/{HEALTH}", "/any"]
)
def test_a_request_with_another_target(site: Site, target: str) -> None:
    assert _get(site, target, _token()) in (401, 404)
    assert _get(site, HEALTH, _token()) == 200


def test_a_request_with_another_method(site: Site) -> None:
    for method in ("POST", "HEAD", "PUT", "DELETE", "OPTIONS"):
        assert _get(site, HEALTH, _token(), method) == 401


def test_a_request_of_another_minute(site: Site) -> None:
    assert _get(site, HEALTH, _token(age_s=61)) == 401
    assert _get(site, HEALTH, _token(age_s=-61)) == 401


def test_a_request_with_two_tokens(site: Site) -> None:
    """The API and a proxy could use one each."""
    lines = [f"GET {HEALTH} HTTP/1.1", "Host: a", "Connection: close"]
    both = [*lines, f"Authorization: {_token()}", "Authorization: x", "", ""]
    assert statuses(site.node_api_url, "\r\n".join(both).encode()) == [400]
    one = [*lines, f"Authorization: {_token()}", "", ""]
    assert statuses(site.node_api_url, "\r\n".join(one).encode()) == [200]


def test_a_request_whose_claims_were_changed(site: Site) -> None:
    scheme, _, token = _token(node="node-2").partition(" ")
    content, signature, certificate = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(content + "==")) | {"node": NODE}
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    assert _get(site, HEALTH, f"{scheme} {changed}.{signature}.{certificate}") == 401


def test_a_request_that_a_stolen_node_signs(site: Site) -> None:
    stolen = replace(SIGNER, key=Ed25519PrivateKey.generate())
    now_ns = SystemClock().wall_ns()
    assert _get(site, HEALTH, sign(stolen, NODE, "GET", HEALTH.encode(), now_ns)) == 401


def test_a_token_of_a_person(site: Site) -> None:
    """Also an administrator reaches a node through the API alone."""
    assert _get(site, HEALTH, f"Bearer {site.tokens[Role.ADMIN]}") == 401
    assert _get(site, HEALTH, "") == 401


@pytest.mark.parametrize(
    "name", ["event.json", "../event.json", "..%2f..%2fkeys", "%2e%2e/x", "snapshot.jpg%00", "."]
)
def test_a_file_of_the_spool_that_is_no_picture(
    site: Site, make_event: MakeEvent, name: str
) -> None:
    event = make_event()
    site.spool_passing(event)
    folder = f"{PATH_PREFIX}/cameras/{event.camera}/events/{event.id}"
    raw = httpx.URL(site.node_api_url + f"{folder}/{name}").raw_path.decode()
    assert _get(site, raw, _token(raw)) == 404
    right = f"{folder}/snapshot.jpg"
    assert _get(site, right, _token(right)) == 200


@pytest.mark.parametrize(
    "camera", ["..", "%2e%2e", "..%2f..", ".", "east-gate%2f..", "%00", "a" * 300]
)
def test_a_camera_that_is_a_path(site: Site, camera: str) -> None:
    for rest in ("segments?from_ns=0&to_ns=1", "account?from_ns=0&to_ns=1", "picture"):
        target = httpx.URL(f"{site.node_api_url}{PATH_PREFIX}/cameras/{camera}/{rest}")
        raw = target.raw_path.decode()
        assert _get(site, raw, _token(raw)) != 500


@pytest.fixture
def keys(tmp_path: Path) -> SiteKeys:
    found = SiteKeys(tmp_path / "keys", ManualClock())
    found.ensure(NODE)
    return found


def test_a_certificate_of_another_purpose_signs_no_request(keys: SiteKeys) -> None:
    """The certificate of a stolen node is of the site's root too."""
    trust = ApiTrust(keys)

    def is_trusted(purpose: Purpose) -> bool:
        own = keys.key(purpose)
        assert own is not None
        return trust.key_of_api(own.certificate.public_bytes(Encoding.DER)) is not None

    assert is_trusted(Purpose.API_SIGNING)
    for purpose in (Purpose.NODE, Purpose.API, Purpose.EVIDENCE, Purpose.ROOT):
        assert not is_trusted(purpose)


def test_a_certificate_of_a_foreign_root_signs_no_request(keys: SiteKeys) -> None:
    now = wall_time(ManualClock())
    name = signing_name(Purpose.API_SIGNING)
    day = timedelta(days=1)
    root = make_authority(CertificateRequest("root", day), now)
    own = issue(root, CertificateRequest(name, day), now)
    assert ApiTrust(keys).key_of_api(own.certificate.public_bytes(Encoding.DER)) is None


@pytest.mark.parametrize("damage", ["", "cut", "oid", "curve", "junk", "long"])
def test_a_certificate_that_no_program_made(keys: SiteKeys, damage: str) -> None:
    """Also one with an algorithm that the library does not know ends in a refusal."""
    own = keys.key(Purpose.NODE)
    assert own is not None
    der = own.certificate.public_bytes(Encoding.DER)
    curve = bytes.fromhex("2a8648ce3d030107")
    assert curve in der
    changed = {
        "": b"",
        "cut": der[:-7],
        "oid": der.replace(bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0209")),
        "curve": der.replace(curve, curve[:-1] + b"\x7f"),
        "junk": b"\x30\x82\xff\xff" + bytes(100),
        "long": b"\x30" * 3_000,
    }[damage]
    assert ApiTrust(keys).key_of_api(changed) is None
