"""The client of the node API.

It signs each request, and raises NodeOffline where a node does not respond.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType

import httpx
from pydantic import TypeAdapter

from api.limits.limited_answers import AnswerLimit, read_limited
from api.nodes.coverage import LoggedGaps, NodeAccount
from api.nodes.live_client import LiveNodeClient
from api.nodes.node_requests import (
    CONNECT_TIMEOUT_S,
    TRUSTS_NO_SERVER,
    NodeRequest,
    mapped_errors,
    other_form,
    raise_problem,
)
from api.nodes.segment_lists import SegmentList, read_list
from api.nodes.wire_names import PATH_PREFIX, VERSION_HEADER
from domain.camera_states import CameraStatus
from domain.clock import Clock
from domain.errors import DataLoss
from domain.recordings.gaps import Gap
from domain.recordings.triggers import Trigger
from domain.signatures import ApiSigner
from storage.recordings.virtual.layout_records import StoredRecord, records_in

ANSWER_TIMEOUT_S = 10.0
ANSWER_LIMIT = AnswerLimit(size_bytes=128_000_000, duration_s=60.0)
"""Of an answer that is read as a whole. A segment is smaller, and a stolen node sends anything."""
CHUNK_BYTES = 256 << 10
MOST_CONNECTIONS = 128
"""It exceeds the sum of the threads that ask nodes and the responses that stream from nodes.

`api/limits/thread_pools.py` and `api/limits/send_limits.py` hold those bounds.
"""
_HEALTH = TypeAdapter(dict[str, tuple[CameraStatus, ...]])


class NodeStream:
    """Bytes that are streamed from a node. The caller closes it."""

    def __init__(self, response: httpx.Response, node: str) -> None:
        self._response = response
        self._node = node
        self.version = response.headers.get(VERSION_HEADER, "")
        """The version of the file that the bytes are of, if the node named it."""

    def __iter__(self) -> Iterator[bytes]:
        with mapped_errors(self._node):
            yield from self._response.iter_raw(CHUNK_BYTES)

    def close(self) -> None:
        self._response.close()


class NodeClient:
    """Calls the nodes of the site. Thread-safe.

    Every call raises NodeOffline where the node does not respond, and otherwise the error that the
    node reports.
    """

    def __init__(self, signer: ApiSigner, clock: Clock, tls: ssl.SSLContext | None = None) -> None:
        """`tls` has the API's certificate and trusts the site's root. Without it, only nodes on
        loopback are called.
        """
        self._signer = signer
        self._clock = clock
        self._tls = tls
        self._clients: dict[str, httpx.Client] = {}
        self._lock = threading.Lock()

    def event_picture(
        self, node_api_url: str, node: str, camera_id: str, event_id: str, name: str
    ) -> bytes:
        """Return a picture from the node's spool. Raises NotFound where it is not there."""
        return self._get(
            node_api_url, node, f"{PATH_PREFIX}/cameras/{camera_id}/events/{event_id}/{name}"
        ).content

    def camera_picture(
        self, node_api_url: str, node: str, camera_id: str, is_sub: bool = False
    ) -> bytes:
        """Return a current picture (JPEG) of the main stream or of the sub-stream."""
        return self._get(
            node_api_url,
            node,
            f"{PATH_PREFIX}/cameras/{camera_id}/picture",
            {"sub": "true"} if is_sub else None,
        ).content

    def account(
        self, node_api_url: str, node: str, camera_id: str, from_ns: int, to_ns: int
    ) -> NodeAccount:
        """Return what the node has recorded of a range, and the gaps that it can explain."""
        span = {"from_ns": str(from_ns), "to_ns": str(to_ns)}
        response = self._get(node_api_url, node, f"{PATH_PREFIX}/cameras/{camera_id}/account", span)
        with mapped_errors(node):
            return NodeAccount.model_validate_json(response.content)

    def gaps(self, node_api_url: str, node: str, from_ns: int, to_ns: int) -> list[Gap]:
        """Return the gaps of a range that the node logged, of all its cameras."""
        span = {"from_ns": str(from_ns), "to_ns": str(to_ns)}
        response = self._get(node_api_url, node, f"{PATH_PREFIX}/gaps", span)
        with mapped_errors(node):
            return LoggedGaps.model_validate_json(response.content).gaps

    def segments(
        self,
        node_api_url: str,
        node: str,
        camera_id: str,
        from_ns: int,
        to_ns: int,
        with_heads: bool = True,
    ) -> SegmentList:
        """Return the segments of a range that the node can serve."""
        query = {"from_ns": str(from_ns), "to_ns": str(to_ns), "with_heads": str(with_heads)}
        path = f"{PATH_PREFIX}/cameras/{camera_id}/segments"
        response = self._get(node_api_url, node, path, query)
        try:
            return read_list(response.content)
        except DataLoss as error:
            raise other_form(node) from error

    def trigger(self, node_api_url: str, node: str, trigger: Trigger) -> None:
        """Write a trigger durably to the node's log."""
        query = {
            "from_ns": str(trigger.start_ns),
            "to_ns": str(trigger.end_ns),
            "reason": trigger.reason,
        }
        path = f"{PATH_PREFIX}/cameras/{trigger.camera_id}/triggers"
        with mapped_errors(node):
            response = self._answer(node, self._signed(node_api_url, node, path, query, "POST"))
            if response.status_code != 204:
                raise_problem(response, node)

    def health(self, node_api_url: str, node: str) -> tuple[CameraStatus, ...]:
        """Return the states of a node's cameras."""
        response = self._get(node_api_url, node, f"{PATH_PREFIX}/health")
        with mapped_errors(node):
            return _HEALTH.validate_json(response.content)["cameras"]

    def layouts(
        self, node_api_url: str, node: str, camera_id: str, from_ns: int, to_ns: int
    ) -> list[StoredRecord]:
        """Return the layouts of the segments of a range that the node can serve."""
        span = {"from_ns": str(from_ns), "to_ns": str(to_ns)}
        response = self._get(node_api_url, node, f"{PATH_PREFIX}/cameras/{camera_id}/layouts", span)
        return list(records_in(response.content))

    def segment_part(
        self, node_api_url: str, node: str, camera_id: str, name: str, part: tuple[int, int]
    ) -> NodeStream:
        """Return `part` of a segment, its offset and its length in bytes. Raises NotFound."""
        query = {"offset": str(part[0]), "length_bytes": str(part[1])}
        path = f"{PATH_PREFIX}/cameras/{camera_id}/segments/{name}/part"
        with mapped_errors(node):
            since_s = self._clock.monotonic_s()
            request = self._signed(node_api_url, node, path, query)
            response = self._client(node).send(request, stream=True)
            if response.status_code != 200:
                raise_problem(read_limited(response, ANSWER_LIMIT, self._clock, since_s), node)
        return NodeStream(response, node)

    def live_client(self) -> LiveNodeClient:
        """Return a client for the live streams of the same nodes."""
        return LiveNodeClient(self._signer, self._clock, self._tls)

    def close(self) -> None:
        with self._lock:
            for client in self._clients.values():
                client.close()

    def __enter__(self) -> NodeClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _get(
        self, node_api_url: str, node: str, path: str, query: Mapping[str, str] | None = None
    ) -> httpx.Response:
        with mapped_errors(node):
            response = self._answer(node, self._signed(node_api_url, node, path, query))
            if response.status_code != 200:
                raise_problem(response, node)
            return response

    def _answer(self, node: str, request: httpx.Request) -> httpx.Response:
        since_s = self._clock.monotonic_s()
        response = self._client(node).send(request, stream=True)
        return read_limited(response, ANSWER_LIMIT, self._clock, since_s)

    def _signed(
        self,
        node_api_url: str,
        node: str,
        path: str,
        query: Mapping[str, str] | None = None,
        method: str = "GET",
    ) -> httpx.Request:
        request = NodeRequest(node_api_url, node, path, query, method)
        return request.signed(self._client(node), self._signer, self._clock)

    def _client(self, node: str) -> httpx.Client:
        """One client for each node: a connection that was verified for one serves no other."""
        with self._lock:
            client = self._clients.get(node)
            if client is None:
                # Nodes are in the internal network, so the proxies of the environment do not apply.
                client = self._clients[node] = httpx.Client(
                    timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                    trust_env=False,
                    limits=httpx.Limits(max_connections=MOST_CONNECTIONS),
                    verify=self._tls or TRUSTS_NO_SERVER,
                )
            return client
