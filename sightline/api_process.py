"""The API process, started as `python -m sightline.api_process`."""

from __future__ import annotations

import argparse
import logging
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import uvicorn
from anyio import to_thread

from api.app import make_app
from api.app_routes import site_routes
from api.exports.export_job import ExportJob
from api.live.whep_sessions import WhepSessions
from api.requests.refused_requests import Refusals
from domain.clock import Clock, SystemClock
from domain.log import set_up_logging
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.confinement.report import log_confinement
from sightline.connection_limits import ConnectionLimits
from sightline.http_server import HttpServer, raise_descriptor_limit, server_config
from sightline.keys.tls import PLAIN_HTTP_WARNING, server_context
from sightline.processes.memory_tuning import collect_seldom, keep_little_free_memory
from sightline.processes.supervised_threads import Job, run_supervised
from sightline.site_context import make_context
from sightline.websocket_protocol import websocket_options
from storage.audit.shipping import AuditShipper
from storage.audit.syslog import SyslogSender
from storage.audit.viewings import Viewings

_log = logging.getLogger(__name__)
UNREAD_S = 60
"""The kernel closes a connection whose peer acknowledges nothing, or has no room, for this long."""
_BACKLOG = 2048
_GC_THRESHOLD = 20_000
"""The garbage collector scans so many objects in some milliseconds."""


class ApiServer(HttpServer):
    """When it has stopped, it ends the WebRTC sessions and calls `at_end`; the signal ends the
    process directly afterwards.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        end_feeds: Callable[[], None],
        sessions: WhepSessions,
        at_end: Callable[[], None],
    ) -> None:
        super().__init__(config, end_feeds)
        self._sessions = sessions
        self._at_end = at_end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        await self._sessions.close()
        await to_thread.run_sync(self._at_end)


def preload() -> None:
    """Make the routes, which processes then share. They need a third of the memory of an API."""
    site_routes()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sightline.api_process", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", default="api")
    parser.add_argument(
        "--shared", action="store_true", help="other processes listen on the same port"
    )
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    parser.add_argument(
        "--exposed", action="store_true", help="the address is beyond loopback, without TLS"
    )
    arguments = parser.parse_args()
    keep_little_free_memory()
    settings, clock = Settings(), SystemClock()
    set_up_logging(settings.log_level, arguments.name)
    log_confinement()
    warnings = (PLAIN_HTTP_WARNING,) if arguments.exposed else ()
    context = make_context(Layout(arguments.data), settings, clock, arguments.name, warnings)
    context.policy()  # It is on record before the first request.
    app = make_app(context)
    refusals: Refusals = app.state.recorder.refusals
    shipper = AuditShipper(context.audit, context.objects, settings.node, context.clock)
    viewings: Viewings = app.state.recorder.viewings
    exports = ExportJob(context, app.state.recordings)
    jobs = {
        "refusals": refusals.run,
        "viewings": viewings.run,
        "audit": shipper.run,
        "exports": exports.run,
    }
    syslog = SyslogSender.from_settings(context.audit, settings, context.clock)
    if syslog is not None:
        jobs["syslog"] = syslog.run
    for name, job in jobs.items():
        _start(name, job, arguments.name, context.clock)
    collect_seldom(_GC_THRESHOLD)
    raise_descriptor_limit()
    tls = server_context(arguments.tls_cert, arguments.tls_key) if arguments.tls_cert else None
    limits = ConnectionLimits(clock)
    config = server_config(
        app,
        limits,
        tls=tls,
        websockets=websocket_options(limits),
    )
    with listening(arguments.host, arguments.port, arguments.shared) as listener:
        at_end = partial(_write_last_lines, refusals, viewings)
        ApiServer(config, app.state.feeds.end, app.state.whep, at_end).run([listener])


def _write_last_lines(refusals: Refusals, viewings: Viewings) -> None:
    refusals.flush(is_last=True)
    viewings.flush(is_last=True)


def _start(name: str, job: Job, process: str, clock: Clock) -> None:
    """Run a job in a thread until the process ends."""
    stop = threading.Event()
    threading.Thread(
        target=run_supervised,
        args=(name, process, partial(job, stop), stop, clock),
        name=name,
        daemon=True,
    ).start()


def listening(host: str, port: int, is_shared: bool) -> socket.socket:
    """Return the listening socket of the API.

    If the port `is_shared`, the kernel distributes connections over all processes that share it.
    """
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    listener = socket.create_server(
        (host, port), family=family, backlog=_BACKLOG, reuse_port=is_shared
    )
    # Otherwise a response waits 40 ms until the client acknowledges its headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Without a limit, data for a client that reads nothing stays in the kernel without end, also
    # after its response was aborted.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_S * 1000)
    return listener


if __name__ == "__main__":
    main()
