"""A node trusts the signing certificates of its site's API, and no other certificate."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from api.nodes.tokens import TokenVerifier, sign
from api.requests.tickets import Basis, read_ticket, ticket_for, write_ticket
from domain.clock import S_PER_DAY, ManualClock
from domain.errors import BadInput, Unauthenticated
from domain.people import Person, Role
from domain.signatures import ApiSigner
from sightline.keys.api_trust import ApiTrust, api_signer
from sightline.keys.bundle import TRUST_FILE, export_node, export_public, read_bundle
from sightline.keys.register import Purpose
from sightline.keys.site_keys import SIGNING_LIFETIME, SiteKeys

TARGET = b"/any/health"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def api(tmp_path: Path, clock: ManualClock) -> SiteKeys:
    keys = SiteKeys(tmp_path / "api" / "keys", clock)
    keys.ensure("node-1")
    return keys


@pytest.fixture
def node(api: SiteKeys, tmp_path: Path, clock: ManualClock) -> SiteKeys:
    keys = SiteKeys(tmp_path / "node" / "keys", clock)
    keys.adopt(*read_bundle(export_node(api, tmp_path / "out", "node-2")))
    return keys


def _refusal(trust: ApiTrust, signer: ApiSigner, clock: ManualClock) -> str:
    now_ns = clock.wall_ns()
    verifier = TokenVerifier("node-2", trust.key_of_api, lambda: now_ns)
    return verifier.refusal(sign(signer, "node-2", "GET", TARGET, now_ns), "GET", TARGET, now_ns)


def test_a_node_accepts_what_the_api_has_signed(
    api: SiteKeys, node: SiteKeys, clock: ManualClock
) -> None:
    assert _refusal(ApiTrust(node), api_signer(api), clock) == ""
    with pytest.raises(BadInput, match=r"signing\.pem is missing"):
        api_signer(node)


def test_a_rotated_key_of_the_api_needs_nothing_of_the_node(
    api: SiteKeys, node: SiteKeys, clock: ManualClock
) -> None:
    trust, old = ApiTrust(node), api_signer(api)
    api.rotate(Purpose.API_SIGNING, "node-1")
    assert _refusal(trust, api_signer(api), clock) == ""
    assert _refusal(trust, old, clock) == ""


def test_a_rotated_key_still_verifies_tickets_unless_it_was_revoked(api: SiteKeys) -> None:
    ticket = ticket_for(Person("li", Role.OPERATOR), "a test", "", "gate", (0, 1), 0, Basis())
    text = write_ticket(api_signer(api), ticket)
    api.rotate(Purpose.API_SIGNING, "node-1")
    assert read_ticket(api_signer(api), text, 0) == ticket
    text = write_ticket(api_signer(api), ticket)
    api.rotate(Purpose.API_SIGNING, "node-1", is_revoking=True)
    with pytest.raises(Unauthenticated):
        read_ticket(api_signer(api), text, 0)


def test_a_revoked_key_is_refused_once_the_node_knows(
    api: SiteKeys, node: SiteKeys, clock: ManualClock, tmp_path: Path
) -> None:
    trust, stolen = ApiTrust(node), api_signer(api)
    assert _refusal(trust, stolen, clock) == ""
    api.rotate(Purpose.API_SIGNING, "node-1", is_revoking=True)
    export_public(api, tmp_path / "public")
    node.adopt(*read_bundle(tmp_path / "public" / TRUST_FILE))
    assert "does not trust" in _refusal(trust, stolen, clock)
    assert _refusal(trust, api_signer(api), clock) == ""


def test_an_expired_certificate_is_refused(
    api: SiteKeys, node: SiteKeys, clock: ManualClock
) -> None:
    trust, signer = ApiTrust(node), api_signer(api)
    assert _refusal(trust, signer, clock) == ""
    clock.advance(SIGNING_LIFETIME.total_seconds() + S_PER_DAY)
    assert "does not trust" in _refusal(trust, signer, clock)


def test_no_other_key_of_the_site_or_of_another_signs_for_the_api(
    api: SiteKeys, node: SiteKeys, clock: ManualClock, tmp_path: Path
) -> None:
    trust, genuine = ApiTrust(node), api_signer(api)
    stranger = SiteKeys(tmp_path / "stranger" / "keys", clock)
    stranger.ensure("node-1")
    evidence = api.key(Purpose.EVIDENCE)
    assert evidence is not None
    assert isinstance(evidence.key, Ed25519PrivateKey)
    forged = [
        api_signer(stranger),
        # What a node has: the API's certificate, and keys of its own.
        ApiSigner(Ed25519PrivateKey.generate(), genuine.certificate),
        ApiSigner(evidence.key, evidence.certificate.public_bytes(Encoding.DER)),
        ApiSigner(evidence.key, genuine.certificate),
        ApiSigner(genuine.key, b"no certificate"),
    ]
    for purpose in (Purpose.NODE, Purpose.ROOT):
        key = api.key(purpose)
        assert key is not None
        der = key.certificate.public_bytes(Encoding.DER)
        forged.append(ApiSigner(Ed25519PrivateKey.generate(), der))
    for signer in forged:
        assert _refusal(trust, signer, clock) != ""
    assert _refusal(trust, genuine, clock) == "", "the positive control"
