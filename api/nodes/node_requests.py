"""Signed requests to the node API, and the errors that its answers stand for."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from api.nodes.tokens import sign
from api.requests.problems import ERROR_OF_NAME, PREFIX
from domain.clock import Clock
from domain.errors import NodeOffline
from domain.messages.message import Message
from domain.node_names import node_host
from domain.signatures import ApiSigner

CONNECT_TIMEOUT_S = 1.0
TRUSTS_NO_SERVER = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NodeRequest:
    """A request for `node` alone, which it accepts once.

    The node is verified under its name. Its URL comes from Redis, so it proves nothing.
    """

    node_api_url: str
    node: str
    path: str
    query: Mapping[str, str] | None = None
    method: str = "GET"

    def signed(
        self, client: httpx.Client | httpx.AsyncClient, signer: ApiSigner, clock: Clock
    ) -> httpx.Request:
        """Return the request of a client.

        Raises NodeOffline for a URL without TLS, and for one that is more than an address: a stolen
        node could lead the API to any path of a server on the API's own machine.
        """
        base = httpx.URL(self.node_api_url)
        if base.path not in ("", "/") or base.query or base.fragment or base.userinfo:
            raise NodeOffline("{node} announces an address that is none", node=self.node)
        origin = httpx.URL(scheme=base.scheme, host=base.host, port=base.port)
        url = httpx.URL(str(origin).rstrip("/") + self.path, params=self.query)
        _refuse_plain_http(url, self.node)
        request = client.build_request(self.method, url)
        request.extensions["sni_hostname"] = node_host(self.node)
        request.headers["Authorization"] = sign(
            signer, self.node, self.method, request.url.raw_path, clock.wall_ns()
        )
        return request


def _refuse_plain_http(url: httpx.URL, node: str) -> None:
    """Raises NodeOffline for a URL without TLS beyond loopback."""
    if url.scheme == "https" or _is_loopback(url.host):
        return
    _log.error(
        "the node %s announces the URL %s://%s: beyond loopback only https is called",
        node,
        url.scheme,
        url.host,
    )
    raise NodeOffline(
        "{node}, the node that holds this camera, is not reachable by TLS; the log says why",
        node=node,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def mapped_errors(node: str) -> Iterator[None]:
    try:
        yield
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise NodeOffline(
            "{node}, the node that holds this camera, does not answer; what is "
            "only there must wait until it is back",
            node=node,
        ) from error
    except ValidationError as error:
        raise other_form(node) from error


def other_form(node: str) -> NodeOffline:
    """Return the error for an answer that is not what the node should send."""
    return NodeOffline(
        "{node}, the node that holds this camera, answers in another form; is "
        "it of another version?",
        node=node,
    )


class _NodeProblem(BaseModel):
    """What is read of a problem document of a node, which may be of another version."""

    model_config = ConfigDict(extra="ignore")

    type: str
    status: int
    detail: str
    message: Message | None = None
    instance: str


def raise_problem(response: httpx.Response, node: str) -> None:
    """Raise the error that a problem document of the node describes.

    A problem that has no error of ours, or a refused token, is a fault between node and API: the
    node counts as offline.
    """
    problem = _NodeProblem.model_validate_json(response.content)
    error = ERROR_OF_NAME.get(problem.type.removeprefix(PREFIX))
    if error is None or problem.type == PREFIX + "unauthenticated":
        _log.error(
            "the node API of %s responded with status %d: %s (%s)",
            node,
            problem.status,
            problem.detail,
            problem.instance,
        )
        raise NodeOffline(
            "{node}, the node that holds this camera, does not serve this API; the log says why",
            node=node,
        )
    raise error(problem.message or problem.detail)
