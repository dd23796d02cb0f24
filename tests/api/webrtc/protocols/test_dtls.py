"""The handshake with an OpenSSL client, over datagrams that a test carries."""

from __future__ import annotations

import contextlib
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from api.webrtc.protocols.dtls import (
    MAX_DATAGRAM_BYTES,
    DtlsIdentity,
    DtlsServer,
    Fingerprint,
    datagrams,
    is_supported,
)
from api.webrtc.protocols.srtp import SrtpProfile
from domain.clock import ManualClock
from domain.errors import Forbidden

NOW_NS = ManualClock().wall_ns()


class Client:
    """A WebRTC client's end of DTLS."""

    def __init__(self, profiles: str = ":".join(SrtpProfile)) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "viewer")])
        start = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=9999))
            .sign(key, hashes.SHA256())
        )
        context = SSL.Context(SSL.DTLS_CLIENT_METHOD)
        context.use_certificate(self.certificate)
        context.use_privatekey(key)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.set_tlsext_use_srtp(profiles.encode())
        self.connection = SSL.Connection(context, None)
        self.connection.set_connect_state()

    @property
    def fingerprint(self) -> Fingerprint:
        digest = self.certificate.fingerprint(hashes.SHA256())
        return Fingerprint("sha-256", digest.hex(":"))

    def step(self, received: list[bytes]) -> bytes:
        """Process datagrams, and return what to send."""
        for datagram in received:
            self.connection.bio_write(datagram)
        with contextlib.suppress(SSL.WantReadError):
            self.connection.do_handshake()
        return self.sent()

    def sent(self) -> bytes:
        try:
            return self.connection.bio_read(1 << 16)
        except SSL.WantReadError:
            return b""


@pytest.fixture(scope="module")
def identity() -> DtlsIdentity:
    return DtlsIdentity(NOW_NS)


def shake_hands(server: DtlsServer, client: Client) -> None:
    received: list[bytes] = []
    for _ in range(6):
        sent = client.step(received)
        if sent:
            received = server.receive(sent)


@pytest.mark.parametrize("profile", SrtpProfile)
def test_both_ends_have_the_same_keys(identity: DtlsIdentity, profile: SrtpProfile) -> None:
    client = Client(profile)
    server = DtlsServer(identity, client.fingerprint)
    shake_hands(server, client)
    assert server.keys is not None
    assert server.keys.profile is profile
    key, salt = profile.key_bytes, profile.salt_bytes
    material = client.connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
    salts = material[2 * key :]
    assert server.keys.receiving == material[:key] + salts[:salt]
    assert server.keys.sending == material[key : 2 * key] + salts[salt:]


def test_the_profile_that_costs_least_is_chosen(identity: DtlsIdentity) -> None:
    client = Client(":".join(reversed(SrtpProfile)))
    server = DtlsServer(identity, client.fingerprint)
    shake_hands(server, client)
    assert server.keys is not None
    assert server.keys.profile is SrtpProfile.AES_128_GCM


def test_a_certificate_that_the_offer_does_not_name_is_refused(identity: DtlsIdentity) -> None:
    server = DtlsServer(identity, Client().fingerprint)
    with pytest.raises(Forbidden, match="not the one that its offer names"):
        shake_hands(server, Client())
    assert server.keys is None


def test_a_client_without_a_common_profile_is_refused(identity: DtlsIdentity) -> None:
    client = Client("SRTP_AES128_CM_SHA1_32")
    server = DtlsServer(identity, client.fingerprint)
    with pytest.raises(Forbidden, match="profile"):
        shake_hands(server, client)


def test_the_end_of_the_viewer_is_noticed(identity: DtlsIdentity) -> None:
    client = Client()
    server = DtlsServer(identity, client.fingerprint)
    shake_hands(server, client)
    client.connection.shutdown()
    server.receive(client.sent())
    assert server.has_ended
    assert server.close() == []


def test_the_viewer_notices_the_end(identity: DtlsIdentity) -> None:
    client = Client()
    server = DtlsServer(identity, client.fingerprint)
    shake_hands(server, client)
    for datagram in server.close():
        client.connection.bio_write(datagram)
    with pytest.raises(SSL.ZeroReturnError):
        client.connection.recv(10)


def test_a_lost_answer_is_due_again(identity: DtlsIdentity) -> None:
    client = Client()
    server = DtlsServer(identity, client.fingerprint)
    assert server.next_timeout_s() is None
    server.receive(client.step([]))
    wait_s = server.next_timeout_s()
    assert wait_s is not None
    assert 0 < wait_s <= 1


@given(st.binary(max_size=200))
def test_other_data_gives_no_keys_and_one_kind_of_error(
    identity: DtlsIdentity, data: bytes
) -> None:
    server = DtlsServer(identity, Fingerprint("sha-256", "00"))
    with contextlib.suppress(Forbidden):
        server.receive(b"\x16" + data)
    assert server.keys is None


@given(st.lists(st.integers(0, 1100), min_size=1, max_size=10))
def test_records_are_divided_into_datagrams(sizes: list[int]) -> None:
    records = [b"\x16\xfe\xfd" + bytes(8) + size.to_bytes(2, "big") + bytes(size) for size in sizes]
    found = datagrams(b"".join(records))
    assert b"".join(found) == b"".join(records)
    assert max(map(len, found)) <= MAX_DATAGRAM_BYTES


def test_known_hashes() -> None:
    assert is_supported(Fingerprint("sha-256", ""))
    assert not is_supported(Fingerprint("md5", ""))
