"""A route whose response is a stream of a test, and clients that read it slowly."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import FastAPI

from api.app import make_app
from api.requests.declarations import Declaration, Scope
from api.requests.streams import HeldStream
from api.routes import ROUTES
from domain.people import Right, Role

if TYPE_CHECKING:
    from tests.api.conftest import Site

PATH = "/v1/export"


def app_with_export(site: Site, answer: Callable[[], HeldStream]) -> FastAPI:
    """Return the app of a site, with a further route at PATH."""
    declared = Declaration(
        "GET",
        PATH,
        answer,
        Right.EVENTS_READ,
        Scope.SITE,
        audit="test.export",
        is_evidence_access=True,
    )
    return make_app(site.context, (*ROUTES, declared))


def headers_of(site: Site) -> dict[str, str]:
    """Return the headers of a person who may read the export."""
    return {"Authorization": f"Bearer {site.tokens[Role.OPERATOR]}", "X-Reason": "test"}


def requested(site: Site, url: str, receive_bytes: int = 0) -> socket.socket:
    """Request the export, and return the connection, of which nothing was read.

    Its kernel holds about `receive_bytes`, if that is not 0.
    """
    place = urlsplit(url)
    assert place.port is not None
    connected = socket.create_connection(("127.0.0.1", place.port))
    if receive_bytes:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    headers = {"Host": place.netloc, **headers_of(site)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    connected.sendall(f"GET {PATH} HTTP/1.1\r\n{lines}\r\n".encode())
    return connected
