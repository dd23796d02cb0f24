"""Beyond loopback the node API is TLS in both directions: the node and the API prove who they are.

The node runs on the keys of its bundle, and the API on those of the machine with the root.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import httpx
import pytest

from api.nodes.client import NodeClient
from api.nodes.wire_names import PATH_PREFIX
from domain.clock import SystemClock
from domain.errors import BadInput, NodeOffline, NotFound
from domain.node_names import node_host
from domain.paths.data_layout import Layout
from sightline.keys.api_trust import api_signer, node_client_context, node_server_context
from sightline.keys.bundle import export_node, read_bundle
from sightline.keys.register import Purpose
from sightline.keys.site_keys import SiteKeys
from sightline.processes.certificates import certificate_pem
from sightline.processes.ports import free_ports
from tests.waiting import PATIENCE_S, wait_for

CLOCK = SystemClock()
HEALTH = f"{PATH_PREFIX}/health"


@dataclass(frozen=True)
class TlsSite:
    api: SiteKeys
    node: SiteKeys
    port: int

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def client(self) -> NodeClient:
        return NodeClient(api_signer(self.api), CLOCK, node_client_context(self.api))

    def raw(self, certificate: Path | None, server_name: str = node_host("node-2")) -> str:
        """The status line of a request with this client certificate; empty if it is refused."""
        roots = self.api.register().trusted_roots(self.api.now)
        context = ssl.create_default_context(cadata="".join(map(certificate_pem, roots)))
        if certificate is not None:
            context.load_cert_chain(certificate)
        request = f"GET {HEALTH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            try:
                with context.wrap_socket(connection, server_hostname=server_name) as tls:
                    tls.sendall(request.encode())
                    return tls.recv(100).split(b"\r\n")[0].decode()
            except (ssl.SSLError, ConnectionError):
                return ""


@pytest.fixture(scope="module")
def tls_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsSite]:
    folder = tmp_path_factory.mktemp("tls")
    api = SiteKeys(Layout(folder / "api").keys, CLOCK)
    api.ensure("node-1")
    layout = Layout(folder / "node")
    node = SiteKeys(layout.keys, CLOCK)
    node.adopt(*read_bundle(export_node(api, folder / "out", "node-2")))
    (port,) = free_ports(1)
    words = ("--data", str(layout.root), "--host", "0.0.0.0", "--port", str(port))
    process = subprocess.Popen(
        (sys.executable, "-m", "sightline.live_process", *words),
        env=os.environ | {"SIGHTLINE_NODE": "node-2"},
        stderr=subprocess.DEVNULL,
    )
    site = TlsSite(api, node, port)

    def answers() -> bool:
        assert process.poll() is None, "the live process ended"
        with site.client() as client:
            try:
                return client.health(site.url, "node-2") == ()
            except NodeOffline:
                return False

    try:
        wait_for("the live process", answers)
        yield site
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def test_the_api_reaches_the_node_that_it_names(tls_site: TlsSite) -> None:
    with tls_site.client() as client:
        assert client.health(tls_site.url, "node-2") == ()


def test_another_node_at_the_url_counts_as_offline(tls_site: TlsSite) -> None:
    with tls_site.client() as client:
        assert client.health(tls_site.url, "node-2") == ()
        with pytest.raises(NodeOffline, match="node-1") as refused:
            client.health(tls_site.url, "node-1")
    assert "Hostname mismatch" in str(refused.value.__cause__)


def test_live_video_is_read_from_the_node_that_is_named(tls_site: TlsSite) -> None:
    """The node has no camera, and says so: the request came through TLS and was accepted."""

    async def read(node: str) -> None:
        with tls_site.client() as client:
            stream = client.live_client().fragments(tls_site.url, node, "gate", "main")
            async with aclosing(stream):
                await anext(stream)

    with pytest.raises(NotFound, match="no worker of this node has camera gate"):
        asyncio.run(read("node-2"))
    with pytest.raises(NodeOffline, match="node-1") as refused:
        asyncio.run(read("node-1"))
    assert "Hostname mismatch" in str(refused.value.__cause__)


def test_only_the_certificate_of_an_api_opens_a_connection(tls_site: TlsSite) -> None:
    api, node = tls_site.api.files, tls_site.node.files
    assert tls_site.raw(api.key(Purpose.API)).endswith("401 Unauthorized"), "TLS, and no token"
    for certificate in (None, node.key(Purpose.NODE), api.key(Purpose.NODE)):
        assert tls_site.raw(certificate) == ""
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://127.0.0.1:{tls_site.port}{HEALTH}", trust_env=False, timeout=PATIENCE_S)


def test_an_api_of_another_site_is_refused_and_refuses(tls_site: TlsSite, tmp_path: Path) -> None:
    stranger = SiteKeys(tmp_path / "keys", CLOCK)
    stranger.ensure("node-1")
    with (
        NodeClient(api_signer(stranger), CLOCK, node_client_context(stranger)) as client,
        pytest.raises(NodeOffline) as refused,
    ):
        client.health(tls_site.url, "node-2")
    assert "CERTIFICATE_VERIFY_FAILED" in str(refused.value.__cause__)
    assert tls_site.raw(stranger.files.key(Purpose.API)) == ""


def test_a_node_whose_key_was_revoked_is_refused_by_an_api_that_runs(
    tls_site: TlsSite, tmp_path: Path
) -> None:
    copytree(tls_site.api.files.folder, tmp_path / "keys")
    keys = SiteKeys(tmp_path / "keys", CLOCK)
    signer, tls = api_signer(keys), node_client_context(keys)

    async def watch(client: NodeClient) -> None:
        stream = client.live_client().fragments(tls_site.url, "node-2", "gate", "main")
        async with aclosing(stream):
            await anext(stream)

    with NodeClient(signer, CLOCK, tls) as client:
        assert client.health(tls_site.url, "node-2") == ()
        with pytest.raises(NotFound, match="camera gate"):
            asyncio.run(watch(client))
    export_node(keys, tmp_path / "out", "node-2")
    with NodeClient(signer, CLOCK, tls) as client:
        assert client.health(tls_site.url, "node-2") == (), "a key that was only replaced"
    export_node(keys, tmp_path / "out", "node-2", is_revoking=True)
    with NodeClient(signer, CLOCK, tls) as client:
        for ask in (
            lambda: client.health(tls_site.url, "node-2"),
            lambda: asyncio.run(watch(client)),
        ):
            with pytest.raises(NodeOffline) as refused:
                ask()
            assert "was revoked" in str(refused.value.__cause__)


def test_signing_keys_of_the_site_are_no_certificates_of_an_api(tls_site: TlsSite) -> None:
    for purpose in (Purpose.EVIDENCE, Purpose.API_SIGNING):
        assert tls_site.raw(tls_site.api.files.key(purpose)) == ""


@pytest.mark.parametrize("url", ["http://192.0.2.1:80", "http://node.example:80"])
def test_a_node_beyond_loopback_is_not_called_without_tls(
    tls_site: TlsSite, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The URL is from Redis. A person who can write there gets no request in clear."""
    with tls_site.client() as client, pytest.raises(NodeOffline, match="not reachable by TLS"):
        client.health(url, "node-2")
    assert "only https is called" in caplog.text


def test_a_node_has_a_certificate_in_its_name(tls_site: TlsSite) -> None:
    assert node_server_context(tls_site.node, "node-2").verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(BadInput, match="keys export --node node-3"):
        node_server_context(tls_site.node, "node-3")


def test_a_node_without_keys_says_how_to_get_them(tmp_path: Path) -> None:
    environment = os.environ | {
        "SIGHTLINE_REDIS_URL": "redis://127.0.0.1:1",
        "SIGHTLINE_S3_ENDPOINT": "127.0.0.1:1",
        "SIGHTLINE_NODE": "node-7",
    }
    command = (sys.executable, "-m", "sightline", "node", "--data", str(tmp_path / "data"))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "sightline keys export --node node-7" in done.stderr
    assert not (tmp_path / "data" / "keys" / "root").exists(), "a node makes no root of its own"
