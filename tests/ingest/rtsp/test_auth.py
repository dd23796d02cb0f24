"""Logins against the standards' own examples, and what servers write."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp.auth import Challenge, RtspLogin, strongest_challenge

RFC2617 = (
    'Digest realm="testrealm@host.com", qop="auth,auth-int", '
    'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
RFC7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


def challenge(*headers: str) -> Challenge:
    found = strongest_challenge(headers)
    assert found is not None
    return found


def test_the_example_of_rfc_2617() -> None:
    login = RtspLogin(challenge(RFC2617), "Mufasa", "Circle Of Life", "0a4f113b")
    header = login.header("GET", "/dir/index.html")
    assert 'response="6629fae49393a05397450978507c4ef1"' in header
    assert "nc=00000001" in header
    assert "nc=00000002" in login.header("GET", "/dir/index.html")


def test_the_example_of_rfc_7616() -> None:
    login = RtspLogin(
        challenge(RFC7616),
        "Mufasa",
        "Circle of Life",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert (
        'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"'
        in login.header("GET", "/dir/index.html")
    )


def test_the_strongest_offer_is_taken() -> None:
    md5 = RFC7616.replace("SHA-256", "MD5")
    assert challenge('Basic realm="x"', md5, RFC7616).algorithm == "SHA-256"
    assert challenge(f'Basic realm="x", {md5}').algorithm == "MD5"
    assert challenge('Basic realm="a, b"').realm == "a, b"
    assert (
        strongest_challenge(['Digest realm="x", nonce="y", algorithm=SHA-512-256', "Negotiate"])
        is None
    )


def test_a_stale_nonce_is_recognised() -> None:
    assert challenge('Digest realm="x", nonce="y", stale=TRUE').is_stale


def test_basic_and_special_characters() -> None:
    header = RtspLogin(challenge('Basic realm="x"'), "操作员", "a:b", "").header(
        "OPTIONS", "rtsp://h/"
    )
    assert header == "Basic " + b64encode("操作员:a:b".encode()).decode()
    assert 'username="a\\"b"' in RtspLogin(
        challenge('Digest realm="x", nonce="y"'), 'a"b', "p", ""
    ).header("OPTIONS", "rtsp://h/")


@pytest.mark.parametrize("lacking", ["qop", "cnonce", "opaque", "algorithm"])
def test_nothing_is_sent_that_was_not_offered(lacking: str) -> None:
    assert f"{lacking}=" not in RtspLogin(
        challenge('Digest realm="x", nonce="y"'), "u", "p", "c"
    ).header("PLAY", "rtsp://h/")


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n"), max_size=60), max_size=4),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_no_header_is_an_error(headers: list[str], user: str, password: str) -> None:
    assert (
        strongest_challenge(headers) is None
        or "basic" in "".join(headers).lower()
        or "digest" in "".join(headers).lower()
    )
    found = strongest_challenge([f"Digest {header}" for header in headers])
    assert found is None or RtspLogin(found, user, password, "c").header(
        "PLAY", "rtsp://h/"
    ).startswith(("Digest username=", "Basic "))
