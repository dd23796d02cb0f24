"""Only the API can make a ticket: what a node has verifies tickets and forges none."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.nodes.tokens import sign
from api.requests.tickets import LIFETIME_S, Basis, Ticket, read_ticket, ticket_for, write_ticket
from domain.clock import NS_PER_S, rfc3339
from domain.errors import Unauthenticated
from domain.people import Person, Role
from domain.signatures import ApiSigner, is_signed
from tests.api.site_data import SIGNER
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import Site

NOW_NS = 1_764_000_000 * NS_PER_S
LI = Person("li", Role.INVESTIGATOR)
NODE_SIGNER = ApiSigner(Ed25519PrivateKey.generate(), SIGNER.certificate)
"""What a node can make of what it has: a key of its own, and the API's public certificate."""


def _ticket(opens: str = "gate", now_ns: int = NOW_NS) -> Ticket:
    return ticket_for(
        LI, "a test", "2026-1", opens, (NOW_NS, NOW_NS + 60 * NS_PER_S), now_ns, Basis()
    )


def test_a_ticket_is_read_as_it_was_written_until_it_expires() -> None:
    text = write_ticket(SIGNER, _ticket())
    assert read_ticket(SIGNER, text, NOW_NS) == _ticket()
    last_ns = NOW_NS + (60 + LIFETIME_S) * NS_PER_S
    assert read_ticket(SIGNER, text, last_ns - 1) == _ticket()
    with pytest.raises(Unauthenticated, match="expired"):
        read_ticket(SIGNER, text, last_ns)


def test_a_ticket_of_a_replaced_key_is_still_valid() -> None:
    text = write_ticket(SIGNER, _ticket())
    rotated = ApiSigner(Ed25519PrivateKey.generate(), b"", (SIGNER.key.public_key(),))
    assert read_ticket(rotated, text, NOW_NS) == _ticket()
    with pytest.raises(Unauthenticated, match="not signed by this site"):
        read_ticket(replace(rotated, others=()), text, NOW_NS)


def test_what_a_node_has_forges_no_ticket() -> None:
    genuine = write_ticket(SIGNER, _ticket())
    assert read_ticket(SIGNER, genuine, NOW_NS) == _ticket(), "the positive control"
    raw = urlsafe_b64decode(genuine + "=" * (-len(genuine) % 4))
    signature, content = raw[:64], raw[64:]
    public = SIGNER.key.public_key()
    assert is_signed(public, b"sightline ticket", content, signature), "a node can verify"
    admin = write_ticket(NODE_SIGNER, replace(_ticket(), person="admin"))
    token = sign(SIGNER, "node-1", "GET", b"/x", NOW_NS).split(".")
    forged = (
        admin,
        write_ticket(NODE_SIGNER, _ticket()),
        # The signature of another ticket, of a request to the node, and none.
        _encoded(signature + content.replace(b'"gate"', b'"east"')),
        _encoded(urlsafe_b64decode(token[1] + "==") + content),
        _encoded(bytes(64) + content),
        _encoded(content),
        "",
    )
    for text in forged:
        with pytest.raises(Unauthenticated):
            read_ticket(SIGNER, text, NOW_NS)


def test_a_forged_ticket_opens_no_playlist(site: Site) -> None:
    person = site.context.people.by_token(site.tokens[Role.INVESTIGATOR])
    assert person is not None
    now_ns = site.context.clock.wall_ns()
    span = (now_ns - 60 * NS_PER_S, now_ns)
    ticket = ticket_for(person, "a test", "", "east-gate", span, now_ns, Basis())
    path = f"{site.url}/v1/cameras/east-gate/playlist.m3u8"
    query = {"from": rfc3339(span[0]), "to": rfc3339(span[1])}

    def status(signer: ApiSigner) -> int:
        parameters = query | {"ticket": write_ticket(signer, ticket)}
        return httpx.get(path, params=parameters, trust_env=False, timeout=PATIENCE_S).status_code

    assert status(NODE_SIGNER) == 401
    assert status(SIGNER) not in (401, 403)


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
