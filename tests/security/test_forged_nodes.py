"""Attacks by a stolen node on the API that asks it: answers, errors and addresses of its choice."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from api.limits.limited_answers import AnswerLimit
from api.nodes import client as node_client
from api.nodes.client import NodeClient
from api.nodes.wire_names import PATH_PREFIX
from api.requests.problems import KINDS, PREFIX, Kind
from domain.clock import ManualClock
from domain.errors import NodeOffline, NotFound, SightlineError
from tests.api.site_data import NODE, SIGNER

PICTURE = b"\xff\xd8 a picture"
LIMIT = AnswerLimit(size_bytes=1_000_000, duration_s=60.0)


@dataclass
class StolenNode:
    """A server on loopback, and what it answers."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content: Callable[[], Iterator[bytes]] = lambda: iter([PICTURE])
    asked: list[str] = field(default_factory=list)


def _handler(node: StolenNode) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            node.asked.append(self.path)
            self.send_response(node.status)
            for name, value in node.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for chunk in node.content():
                    self.wfile.write(chunk)
            except OSError:
                return  # the API has read enough

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Print nothing."""

    return Handler


@pytest.fixture
def node() -> Iterator[StolenNode]:
    found = StolenNode()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(found))
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def client(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[NodeClient]:
    monkeypatch.setattr(node_client, "ANSWER_LIMIT", LIMIT)
    with NodeClient(SIGNER, clock) as found:
        yield found


def _ask(client: NodeClient, node: StolenNode, url: str = "") -> bytes:
    return client.camera_picture(url or node.url, NODE, "gate")


def _endless() -> Iterator[bytes]:
    while True:
        yield bytes(100_000)


def test_an_answer_that_fills_the_memory(client: NodeClient, node: StolenNode) -> None:
    node.content = _endless
    with pytest.raises(NodeOffline):
        _ask(client, node)
    node.content, node.headers = (
        lambda: iter([gzip.compress(bytes(10**8))]),
        {"Content-Encoding": "gzip"},
    )
    with pytest.raises(NodeOffline):
        _ask(client, node)
    node.status, node.content, node.headers = 404, _endless, {}
    with pytest.raises(NodeOffline):
        client.segment_part(node.url, NODE, "gate", "gate_1_2_3.mp4", (0, 1))
    node.status, node.content = 200, lambda: iter([PICTURE])
    assert _ask(client, node) == PICTURE


def test_an_answer_that_occupies_a_thread(
    client: NodeClient, node: StolenNode, clock: ManualClock
) -> None:
    def slow() -> Iterator[bytes]:
        yield PICTURE
        clock.advance(LIMIT.duration_s)
        yield PICTURE

    node.content = slow
    with pytest.raises(NodeOffline):
        _ask(client, node)
    node.content = lambda: iter([PICTURE])
    assert _ask(client, node) == PICTURE


@pytest.mark.parametrize(
    "address", ["{}/status?x=", "{}/status#", "{}/a/b", "{}?", "{}//", "{}/..", "{}\x00"]
)
def test_an_address_that_leads_to_another_server(
    client: NodeClient, node: StolenNode, address: str
) -> None:
    """On loopback the API would ask any server of its own machine for any path."""
    with suppress(NodeOffline):
        _ask(client, node, address.format(node.url))
    for url in (node.url, f"{node.url}/"):
        assert _ask(client, node, url) == PICTURE
    assert set(node.asked) == {f"{PATH_PREFIX}/cameras/gate/picture"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_error_of_its_choice(client: NodeClient, node: StolenNode, kind: Kind) -> None:
    """No problem of a node is an internal error of the API."""
    node.status = 400
    problem = {
        "type": PREFIX + kind.name,
        "title": "x",
        "status": 400,
        "detail": "chosen",
        "instance": "urn:sightline:request:1",
    }
    node.content = lambda: iter([json.dumps(problem).encode()])
    with pytest.raises(SightlineError):
        _ask(client, node)
    problem["type"] = f"{PREFIX}not_found"
    with pytest.raises(NotFound, match="chosen"):
        _ask(client, node)
