"""Attacks that let the site connect to a host of the attacker's choice: webhooks and redirects."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import pytest

from api.feeds.webhook_address import target_of
from domain.address_ranges import is_allowed
from domain.clock import ManualClock
from domain.errors import BadInput, SourceUnreachable
from domain.registry import Networks
from sightline.jobs.webhook_post import post
from tests.security.listeners import listening

if TYPE_CHECKING:
    from tests.ingest.conftest import MakeSource, Puller

ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
LOOPBACK = (ip_network("127.0.0.0/8"),)
SPECIAL = [
    "http://127.0.0.1/",
    "http://localhost/",
    "http://0.0.0.0/",
    "http://0/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[ff02::1]/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
]
"""Names of this machine, of its links and of the metadata service of a cloud."""


@pytest.mark.parametrize("url", SPECIAL)
def test_a_webhook_to_the_site_itself(url: str) -> None:
    """Also where the site allows webhooks to every host."""
    with pytest.raises(BadInput):
        target_of(url, ANYWHERE)
    assert target_of("http://203.0.113.7/", ANYWHERE).url == "http://203.0.113.7:80/"
    assert target_of("http://[2606:4700::1]/", ANYWHERE).url == "http://[2606:4700::1]:80/"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("127.0.0.1", "127.0.0.0/8"),
        ("127.0.0.1", "127.0.0.1/32"),
        ("169.254.1.1", "169.254.0.0/16"),
        ("::1", "::1/128"),
        ("fe80::1", "fe80::/10"),
    ],
)
def test_a_special_network_that_the_site_names_is_allowed(address: str, network: str) -> None:
    """The positive control of the special ranges."""
    assert is_allowed(ip_address(address), [ip_network(network)])
    assert Networks((ip_network(network),)).allows(ip_address(address))


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "0.0.0.0", "::1"])
def test_a_camera_at_an_address_of_the_site_itself(address: str) -> None:
    everywhere = Networks(ANYWHERE)
    assert not everywhere.allows(ip_address(address))
    assert everywhere.literal_fault(address)
    assert everywhere.allows(ip_address("203.0.113.7"))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1@203.0.113.7/",
        "http://203.0.113.7#@127.0.0.1/",
        "http://203.0.113.7\\@127.0.0.1/",
        "http:\\\\127.0.0.1/",
        "http://127.0.0.1:22@203.0.113.7",
        "gopher://203.0.113.7:6379/_FLUSHALL",
        "file:///etc/passwd",
        "http://[203.0.113.7]/",
        "http://203.0.113.7:0x50/",
    ],
)
def test_a_webhook_whose_host_two_parsers_would_read_differently(url: str) -> None:
    with pytest.raises(BadInput):
        target_of(url, ANYWHERE)


def test_a_name_that_changes_its_address_between_check_and_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the first answer is allowed, and every later one is another host."""
    with listening() as allowed, listening() as other:
        answers = iter([("127.0.0.1", allowed.port)])

        def rebinding(host: str, port: int, *_: object, **__: object) -> list[Any]:
            address = next(answers, ("127.0.0.2", other.port))
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)]

        with monkeypatch.context() as patched:
            patched.setattr(socket, "getaddrinfo", rebinding)
            target = target_of(f"http://rebinding.example:{allowed.port}/x", LOOPBACK)
        assert post(target, {}, b"{}", ManualClock(), 10) == 200
        assert b"Host: rebinding.example" in allowed.received
        assert other.received == b""


def test_a_name_with_one_allowed_and_one_other_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def several(addresses: list[str]) -> Any:
        return lambda *_, **__: [(2, 1, 6, "", (address, 80)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", several(["127.0.0.1", "203.0.113.7"]))
    with pytest.raises(BadInput):
        target_of("http://two.example/", LOOPBACK)
    monkeypatch.setattr(socket, "getaddrinfo", several(["127.0.0.1", "127.0.0.2"]))
    assert target_of("http://two.example/", LOOPBACK).host == "two.example"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_receiver_that_redirects(status: int) -> None:
    with listening() as other:
        answer = f"HTTP/1.1 {status} Moved\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n"
        with listening(answer.encode()) as receiver:
            target = target_of(receiver.url, LOOPBACK)
            assert post(target, {}, b"{}", ManualClock(), 10) == status
    assert other.received == b""


def test_a_line_break_in_the_address_of_a_webhook() -> None:
    with listening() as receiver:
        target = target_of(f"{receiver.url}a%0d%0aX-Injected:%20b?c\r\nX-Injected: d", LOOPBACK)
        assert post(target, {}, b"{}", ManualClock(), 10) == 200
    assert not any(line.startswith(b"X-Injected") for line in receiver.received.split(b"\r\n"))


@contextmanager
def _redirecting(to: str) -> Iterator[str]:
    """The address of a camera that redirects its clients."""
    answer = f"RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: {to}\r\n\r\n"
    with listening(answer.encode()) as camera:
        yield camera.url.replace("http://", "rtsp://")


def test_a_camera_that_redirects_to_the_machine_of_the_node(
    monkeypatch: pytest.MonkeyPatch, source_of: MakeSource, pull: Puller
) -> None:
    """In this test, 127.0.0.2 alone is the machine, and 127.0.0.1 the camera network."""
    with listening(address="127.0.0.2") as server:
        to = server.url.replace("http://", "rtsp://")
        with _redirecting(to) as url:
            pull(source_of(url))
        assert b"OPTIONS" in server.received or b"DESCRIBE" in server.received, "the control"
    monkeypatch.setattr("domain.address_ranges._SPECIAL", (ip_network("127.0.0.2/32"),))
    with listening(address="127.0.0.2") as server:
        to = server.url.replace("http://", "rtsp://")
        with _redirecting(to) as url:
            got = pull(source_of(url))
        assert isinstance(got.error, SourceUnreachable)
        assert server.received == b""


@pytest.mark.parametrize("hidden", ["\nFLUSHALL\n", "\rFLUSHALL\r", "%0aFLUSHALL", " x\tFLUSHALL "])
def test_a_camera_that_redirects_into_another_protocol(
    hidden: str, source_of: MakeSource, pull: Puller
) -> None:
    """A line of its own would be a command for a server of lines, such as Redis."""
    with listening() as server:
        to = server.url.replace("http://", "rtsp://") + hidden
        with _redirecting(to) as url:
            pull(source_of(url))
    lines = server.received.replace(b"\r", b"\n").split(b"\n")
    assert not any(line.strip().startswith(b"FLUSHALL") for line in lines)


def test_a_camera_that_redirects_without_an_end(source_of: MakeSource, pull: Puller) -> None:
    with listening(b"RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: SELF\r\n\r\n", times=50) as camera:
        url = camera.url.replace("http://", "rtsp://")
        camera.answer = camera.answer.replace(b"SELF", url.encode())
        got = pull(source_of(url))
        assert isinstance(got.error, SourceUnreachable)
        assert camera.connections <= 6
