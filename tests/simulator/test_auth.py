"""Authentication by basic and digest, right and wrong."""

from __future__ import annotations

from base64 import b64encode

import pytest

from simulator.auth import digest, is_authorised
from simulator.plan import SimulatorLogin

LOGIN = SimulatorLogin("admin", 'pa:ss"w@rd')


def _digest(
    user: str = LOGIN.user,
    password: str = LOGIN.password,
    nonce: str = "n1",
    method: str = "DESCRIBE",
) -> str:
    response = digest(SimulatorLogin(user, password), method, "rtsp://h/p", nonce)
    return (
        f'Digest username="{user}", realm="simulator", nonce="{nonce}", uri="rtsp://h/p", '
        f'response="{response}"'
    )


def _basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "header", [_digest(), _basic('admin:pa:ss"w@rd'), "basic" + _basic('admin:pa:ss"w@rd')[5:]]
)
def test_the_right_password_is_let_in(header: str) -> None:
    assert is_authorised(header, "DESCRIBE", LOGIN, "n1")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ???",
        _basic("admin:wrong"),
        _basic("other"),
        "Bearer abc",
        "Digest",
        _digest(password="wrong"),
        _digest(user="root"),
        _digest(nonce="old"),
        _digest(method="SETUP"),
    ],
)
def test_all_else_is_not(header: str) -> None:
    assert not is_authorised(header, "DESCRIBE", LOGIN, "n1")


def test_the_digest_is_that_of_rfc_2069() -> None:
    """The expected value was computed with coreutils' md5sum."""
    assert (
        digest(SimulatorLogin("a", "b"), "DESCRIBE", "rtsp://h/p", "n")
        == "a82df28b4ee308af327da65cd56ab1d7"
    )
