"""A feed ends with its last chunk when the server of an API process stops."""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from api.app import make_app
from domain.clock import SystemClock
from domain.people import Role
from sightline.api_process import ApiServer
from sightline.connection_limits import ConnectionLimits
from sightline.http_server import server_config
from tests.waiting import PATIENCE_S, wait_for

if TYPE_CHECKING:
    from tests.api.conftest import Site


def test_a_feed_ends_when_the_server_stops(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """It would otherwise be cancelled after some seconds, which is an error in the log."""
    app = make_app(site.context)
    config = server_config(app, ConnectionLimits(SystemClock()))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ApiServer(config, app.state.feeds.end, app.state.whep, lambda: None)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        wait_for("the server", lambda: server.started)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1/events/feed"
        headers = {"Authorization": f"Bearer {site.tokens[Role.OPERATOR]}", "X-Reason": "a test"}
        with httpx.stream("GET", url, headers=headers, timeout=PATIENCE_S) as answer:
            chunks = answer.iter_raw()
            assert next(chunks).startswith(b"retry:")
            server.should_exit = True
            for _ in chunks:
                """What arrived before the end. A response without its end raises an error."""
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []
