"""Connectivity checks as aioice, an independent implementation, writes and reads them."""

from __future__ import annotations

import pytest
from aioice import stun as peer
from hypothesis import given
from hypothesis import strategies as st

from api.webrtc.protocols.stun import read_check, success
from domain.errors import BadInput

PASSWORD = "0123456789abcdef0123456789abcdef"


def check_of(nominates: bool = False, password: str = PASSWORD) -> bytes:
    message = peer.Message(peer.Method.BINDING, peer.Class.REQUEST)
    message.attributes["USERNAME"] = "server:viewer"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = 5
    if nominates:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(password.encode())
    message.add_fingerprint()
    return bytes(message)


@pytest.mark.parametrize("nominates", [False, True])
def test_a_check_is_read(nominates: bool) -> None:
    check = read_check(check_of(nominates))
    assert (check.to, check.nominates) == ("server", nominates)
    assert check.is_signed_with(PASSWORD)
    assert not check.is_signed_with("another")


@pytest.mark.parametrize(("host", "port"), [("192.0.2.7", 50_000), ("2001:db8::7", 443)])
def test_an_answer_has_the_address_of_the_viewer_and_a_signature(host: str, port: int) -> None:
    data = check_of()
    answer = peer.parse_message(success(read_check(data), host, port, PASSWORD))
    assert answer.message_class is peer.Class.RESPONSE
    assert answer.transaction_id == peer.parse_message(data).transaction_id
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == (host, port)
    assert answer.check_message_integrity(PASSWORD.encode())


def test_a_check_without_a_signature_or_of_another_kind_is_refused() -> None:
    unsigned = peer.Message(peer.Method.BINDING, peer.Class.REQUEST)
    unsigned.attributes["USERNAME"] = "server:viewer"
    indication = peer.Message(peer.Method.BINDING, peer.Class.INDICATION)
    for message in (unsigned, indication):
        with pytest.raises(BadInput):
            read_check(bytes(message))


@given(st.data())
def test_damaged_checks_are_refused_or_not_authentic(data: st.DataObject) -> None:
    whole = bytearray(check_of())
    at = data.draw(st.integers(0, len(whole) - 9))  # the fingerprint is the rest
    whole[at] ^= data.draw(st.integers(1, 255))
    try:
        check = read_check(bytes(whole))
    except BadInput:
        return
    assert not check.is_signed_with(PASSWORD)


@given(st.binary(max_size=100))
def test_other_data_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        read_check(data)
