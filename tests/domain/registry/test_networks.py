"""Names are resolved and checked before anything connects to them."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from domain.errors import SourceUnreachable
from domain.registry import Networks

LOOPBACK = Networks((ip_network("127.0.0.0/8"),))


def test_an_allowed_address_is_given_back() -> None:
    assert LOOPBACK.resolve("localhost", 554) == "127.0.0.1"
    assert LOOPBACK.resolve("127.0.0.5", 554) == "127.0.0.5"


def test_a_foreign_address_is_refused() -> None:
    with pytest.raises(SourceUnreachable, match="outside `networks`"):
        LOOPBACK.resolve("192.0.2.1", 554)


def test_an_unknown_name_is_reported_as_unknown() -> None:
    with pytest.raises(SourceUnreachable, match="cannot be resolved"):
        LOOPBACK.resolve("no-such-host.invalid", 554)
