"""What the media process does for API processes: it opens and ends the sessions of viewers.

Each API process has one connection. It sends the streams that its viewers watch, once for each, and
its sessions end with it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

from api.webrtc.messages import (
    ChangeSession,
    CloseSession,
    CloseStream,
    Message,
    MoveSession,
    OpenSession,
    OpenStream,
    Reply,
    SessionEnded,
    SessionMoved,
    SessionSlow,
    read_message,
    reply_with,
    written,
)
from api.webrtc.sdp import read_ice_fragment, read_offer
from api.webrtc.server import MediaServer
from api.webrtc.stream import MediaStream
from api.webrtc.udp_socket import UdpSocket
from api.webrtc.viewer_session import ViewerSession, Viewing
from domain.clock import Clock
from domain.errors import NotFound, RecordChanged, SightlineError, SourceTimeout, StoreError
from domain.media.held_gop import MemoryLimit
from domain.metrics import LIVE_ENDS
from domain.paths.local_sockets import is_ours

_log = logging.getLogger(__name__)
PICTURE_WITHIN_S = 12.0
"""The time for the first picture of a stream. A node that has none says so earlier."""
_MAX_UNREAD_BYTES = 1 << 20


@dataclass
class _Connection:
    """One API process."""

    writer: asyncio.StreamWriter
    streams: dict[int, MediaStream] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def send(self, message: Message) -> None:
        self.writer.write(written(message))
        if self.writer.transport.get_write_buffer_size() > _MAX_UNREAD_BYTES:
            self.writer.transport.abort()


@dataclass
class _Open:
    """One session, its person, and its API process."""

    session: ViewerSession
    owner: str
    hosts: tuple[str, ...]
    connection: _Connection

    @property
    def tag(self) -> str:
        """The ETag, which changes with the credentials."""
        credentials = self.session.restarted or self.session.credentials
        return f'"{credentials.name}"'


class MediaService:
    """The sessions of all API processes of this host."""

    def __init__(self, udp: UdpSocket, bound: MemoryLimit, clock: Clock) -> None:
        self._bound = bound
        self._server = MediaServer(
            udp, clock, self._report_end, self._report_slow, self._report_move
        )
        self._open: dict[str, _Open] = {}
        self._serving: set[asyncio.Task[None]] = set()
        """The tasks of the connections."""

    async def run(self, listener: socket.socket) -> None:
        """Serve the connections of `listener` until it is cancelled."""
        server = await asyncio.start_unix_server(self._serve, sock=listener)
        try:
            async with server:
                await self._server.run()
        finally:
            for serving in self._serving:
                serving.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        if not is_ours(cast(socket.socket, writer.get_extra_info("socket"))):
            _log.warning("a connection of another user was refused")
            writer.close()
            return
        connection = _Connection(writer)
        try:
            while True:
                self._process(await read_message(reader), connection)
        except (EOFError, OSError):
            """The API process has ended."""
        except StoreError as error:
            _log.warning("an API process was disconnected: %s", error)
        finally:
            self._forget(connection)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _process(self, message: Message | tuple[int, bytes], connection: _Connection) -> None:
        if isinstance(message, tuple):
            number, records = message
            connection.streams[number].feed(records)
        elif isinstance(message, OpenStream):
            connection.streams[message.stream] = MediaStream(message.camera, self._bound)
        elif isinstance(message, CloseStream):
            connection.streams.pop(message.stream).close()
        elif isinstance(message, OpenSession):
            task = asyncio.create_task(self._answer(message, connection))
            connection.tasks.add(task)
            task.add_done_callback(connection.tasks.discard)
        elif isinstance(message, MoveSession):
            if message.session in self._open:
                session = self._open[message.session].session
                self._server.move(session, connection.streams[message.stream])
        elif isinstance(message, CloseSession):
            self._close(message.session)
        elif isinstance(message, ChangeSession):
            connection.send(self._change(message))
        else:
            raise StoreError(f"an API process does not send {message.type}")

    def _forget(self, connection: _Connection) -> None:
        """End everything that an API process has opened."""
        for task in connection.tasks:
            task.cancel()
        for name in [name for name, one in self._open.items() if one.connection is connection]:
            self._close(name)
        for stream in connection.streams.values():
            stream.close()

    async def _answer(self, message: OpenSession, connection: _Connection) -> None:
        try:
            reply = await self._opened(message, connection)
        except SightlineError as error:
            reply = reply_with(message.session, error)
        connection.send(reply)

    async def _opened(self, message: OpenSession, connection: _Connection) -> Reply:
        offer = read_offer(message.offer)
        stream = connection.streams[message.stream]
        await _wait_for_picture(stream, message.camera)
        viewing = Viewing(message.session, message.camera, message.has_substream)
        session, answer = self._server.open(viewing, offer, stream, message.hosts)
        opened = _Open(session, message.owner, message.hosts, connection)
        self._open[message.session] = opened
        return Reply(request=message.session, text=answer, tag=opened.tag)

    def _change(self, message: ChangeSession) -> Reply:
        try:
            return self._changed(message)
        except SightlineError as error:
            return reply_with(message.request, error)

    def _changed(self, message: ChangeSession) -> Reply:
        opened = self._open.get(message.session)
        if (
            opened is None
            or not secrets.compare_digest(opened.owner.encode(), message.owner.encode())
            or opened.session.viewing.camera_id != message.camera
        ):
            raise NotFound(f"camera {message.camera} has no session {message.session} of yours")
        if message.tag is not None and message.tag != opened.tag:
            raise RecordChanged("the session has other credentials of ICE now; send its ETag, or *")
        if message.fragment is None:
            self._close(message.session)
            opened.connection.send(SessionEnded(session=message.session, problem="", text=""))
            return Reply(request=message.request)
        credentials = read_ice_fragment(message.fragment)
        session = opened.session
        if credentials is None or credentials.name == session.peer_name:
            # Candidates of the viewer are not needed: it sends checks, and they are answered.
            return Reply(request=message.request, tag=opened.tag)
        session.peer_name = credentials.name
        fragment = self._server.restart(session, opened.hosts)
        return Reply(request=message.request, text=fragment, tag=opened.tag)

    def _close(self, name: str) -> None:
        opened = self._open.pop(name, None)
        if opened is not None:
            self._server.close(opened.session)

    def _report_end(self, session: ViewerSession) -> None:
        opened = self._open.pop(session.viewing.session, None)
        if opened is None:
            return
        problem, text = "", ""
        if session.ended is not None:
            reply = reply_with("", session.ended)
            problem, text = reply.problem, reply.text
            LIVE_ENDS.labels(problem).inc()
        ended = SessionEnded(session=session.viewing.session, problem=problem, text=text)
        opened.connection.send(ended)

    def _report_slow(self, session: ViewerSession) -> None:
        name = session.viewing.session
        self._open[name].connection.send(SessionSlow(session=name))

    def _report_move(self, session: ViewerSession) -> None:
        name = session.viewing.session
        self._open[name].connection.send(SessionMoved(session=name))


async def _wait_for_picture(stream: MediaStream, camera: str) -> None:
    """Wait for the first keyframe of a stream. Raises the error with which the stream ends, and
    SourceTimeout.
    """
    changed = asyncio.Event()
    stream.listen(changed.set)
    try:
        async with asyncio.timeout(PICTURE_WITHIN_S):
            while stream.error is None and stream.history.keyframe is None:
                await changed.wait()
                changed.clear()
    except TimeoutError as error:
        raise SourceTimeout(
            f"camera {camera} sent no keyframe within {PICTURE_WITHIN_S:.0f} s"
        ) from error
    finally:
        stream.ignore(changed.set)
    if stream.error is not None:
        raise stream.error
