"""What the media process does for API processes: it opens and ends the sessions of viewers.

Each API process has one connection. It sends the streams that its viewers watch, once for each, and
its sessions end with it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar, cast

from api.requests.problems import ErrorRecord
from api.webrtc.messages import (
    ChangeSession,
    CloseSession,
    CloseStream,
    Message,
    MoveSession,
    OpenSession,
    OpenStream,
    ReadSession,
    Reply,
    SessionEnded,
    SessionMoved,
    SessionState,
    SessionWish,
    read_message,
    reply_with,
    written,
)
from api.webrtc.sdp import read_ice_fragment, read_offer
from api.webrtc.server import MediaServer
from api.webrtc.sound_session import opened_sound
from api.webrtc.sound_stream import SoundStream
from api.webrtc.stream import MediaStream
from api.webrtc.udp_socket import UdpSocket
from api.webrtc.viewer_session import ViewerSession, Viewing
from domain.clock import Clock
from domain.errors import NotFound, RecordChanged, SightlineError, SourceTimeout, StoreError
from domain.media.held_gop import MemoryLimit
from domain.media.viewer_metrics import LIVE_ENDS
from domain.paths.local_sockets import is_ours, start_server

_log = logging.getLogger(__name__)
M = TypeVar("M", ChangeSession, ReadSession)
PICTURE_WITHIN_S = 12.0
"""The time for the first picture of a stream. A node that has none says so earlier."""
_MAX_UNREAD_BYTES = 1 << 20
_CHECK_S = 0.2
"""How often the connections are counted."""
MAX_ENDED = 1_000
"""The ended sessions whose cause a viewer can still read."""


@dataclass
class _Connection:
    """One API process."""

    writer: asyncio.StreamWriter
    streams: dict[int, MediaStream] = field(default_factory=dict)
    sounds: dict[int, SoundStream] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def stream(self, number: int) -> MediaStream | SoundStream:
        return self.sounds.get(number) or self.streams[number]

    def open_stream(self, message: OpenStream, bound: MemoryLimit) -> None:
        if message.name == "sound":
            self.sounds[message.stream] = SoundStream(message.camera)
        else:
            is_sub = message.name == "sub"
            self.streams[message.stream] = MediaStream(message.camera, is_sub, bound)

    def close_stream(self, number: int) -> None:
        if self.sounds.pop(number, None) is None:
            self.streams.pop(number).close()

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
        credentials = self.session.ice.restarted or self.session.ice.credentials
        return f'"{credentials.name}"'


@dataclass(frozen=True, slots=True)
class _Ended:
    """A session that this site ended, and its last state."""

    owner: str
    camera_id: str
    state: SessionState

    def is_of(self, message: ReadSession) -> bool:
        return _is_of(message, self.owner, self.camera_id)


class MediaService:
    """The sessions of all API processes of this host."""

    def __init__(self, udp: UdpSocket, bound: MemoryLimit, clock: Clock) -> None:
        self._bound = bound
        self._server = MediaServer(
            udp, clock, self._report_end, self._report_wish, self._report_move
        )
        self._open: dict[str, _Open] = {}
        self._ended: dict[str, _Ended] = {}
        """The sessions that this site ended, the newest last."""
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        """The tasks of the connections."""

    async def run(self, listener: socket.socket, idle_s: float = math.inf) -> None:
        """Serve the connections of `listener`, which stays open, until it is cancelled, or until
        there was none for `idle_s`.
        """
        sessions = asyncio.create_task(self._server.run())
        connections = asyncio.create_task(self._serve_until_idle(listener, idle_s))
        try:
            await asyncio.wait({sessions, connections}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sessions, connections):
                task.cancel()
            results = await asyncio.gather(sessions, connections, return_exceptions=True)
            # asyncio logs an error for a task of a connection that is cancelled.
            for writer in self._serving.values():
                writer.transport.abort()
            # It also logs every other exception of such a task.
            await asyncio.gather(*self._serving, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _serve_until_idle(self, listener: socket.socket, idle_s: float) -> None:
        """Accept connections until there was none for `idle_s`. A later one waits in `listener`."""
        while True:
            server = await start_server(self._serve, listener.dup())
            try:
                await self._idle(idle_s)
                # A server that is closed drops what it has just accepted. So it first stops
                # accepting; what it had accepted by then is served, and is seen here.
                asyncio.get_running_loop().remove_reader(server.sockets[0].fileno())
                await asyncio.sleep(_CHECK_S)
                if not self._serving:
                    return
            finally:
                server.close()

    async def _idle(self, idle_s: float) -> None:
        loop = asyncio.get_running_loop()
        used_s = loop.time()
        while loop.time() - used_s < idle_s:
            await asyncio.sleep(_CHECK_S)
            if self._serving:
                used_s = loop.time()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = writer
        task.add_done_callback(self._serving.pop)
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
            connection.stream(number).feed(records)
        elif isinstance(message, OpenStream):
            connection.open_stream(message, self._bound)
        elif isinstance(message, CloseStream):
            connection.close_stream(message.stream)
        elif isinstance(message, OpenSession):
            task = asyncio.create_task(self._answer(message, connection))
            connection.tasks.add(task)
            task.add_done_callback(connection.tasks.discard)
        elif isinstance(message, MoveSession):
            if message.session in self._open:
                session = self._open[message.session].session
                self._server.move(session, connection.streams[message.stream])
        elif isinstance(message, CloseSession):
            self._close(message.session, message.problem)
        elif isinstance(message, ChangeSession):
            connection.send(self._replied(message, self._changed))
        elif isinstance(message, ReadSession):
            connection.send(self._replied(message, self._read))
        else:
            raise StoreError("an API process does not send {type}", type=message.type)

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
        sound = None
        if message.sound is not None:
            sound = await opened_sound(connection.sounds[message.sound], offer, message.camera)
        viewing = Viewing(message.session, message.camera, message.has_substream)
        session, answer = self._server.open(viewing, offer, stream, message.hosts, sound)
        opened = _Open(session, message.owner, message.hosts, connection)
        self._open[message.session] = opened
        return Reply(request=message.session, text=answer, tag=opened.tag)

    @staticmethod
    def _replied(message: M, answer: Callable[[M], Reply]) -> Reply:
        try:
            return answer(message)
        except SightlineError as error:
            return reply_with(message.request, error)

    def _read(self, message: ReadSession) -> Reply:
        ended = self._ended.get(message.session)
        if ended is not None and ended.is_of(message):
            return Reply(request=message.request, state=ended.state)
        return Reply(request=message.request, state=_state(self._of(message).session))

    def _of(self, message: ChangeSession | ReadSession) -> _Open:
        """Return the session of a message. Raises NotFound if it is of another person."""
        opened = self._open.get(message.session)
        if opened is None or not _is_of(message, opened.owner, opened.session.viewing.camera_id):
            raise NotFound(
                "camera {camera} has no session {session} of yours",
                camera=message.camera,
                session=message.session,
            )
        return opened

    def _changed(self, message: ChangeSession) -> Reply:
        opened = self._of(message)
        if message.tag is not None and message.tag != opened.tag:
            raise RecordChanged("the session has other credentials of ICE now; send its ETag, or *")
        if message.fragment is None:
            self._close(message.session)
            opened.connection.send(SessionEnded(session=message.session, problem=None))
            return Reply(request=message.request)
        credentials = read_ice_fragment(message.fragment)
        session = opened.session
        if credentials is None or credentials.name == session.ice.peer_name:
            # Candidates of the viewer are not needed: it sends checks, and they are answered.
            return Reply(request=message.request, tag=opened.tag)
        session.ice.peer_name = credentials.name
        fragment = self._server.restart(session, opened.hosts)
        return Reply(request=message.request, text=fragment, tag=opened.tag)

    def _close(self, name: str, problem: ErrorRecord | None = None) -> None:
        opened = self._open.pop(name, None)
        if opened is not None:
            self._remember(opened, problem)
            self._server.close(opened.session)

    def _remember(self, opened: _Open, problem: ErrorRecord | None) -> None:
        """Keep why this site ended a session, so that its viewer can read it."""
        if problem is None:
            return
        viewing, state = opened.session.viewing, _state(opened.session)
        state = state.model_copy(update={"problem": problem})
        self._ended[viewing.session] = _Ended(opened.owner, viewing.camera_id, state)
        while len(self._ended) > MAX_ENDED:
            del self._ended[next(iter(self._ended))]

    def _report_end(self, session: ViewerSession) -> None:
        opened = self._open.pop(session.viewing.session, None)
        if opened is None:
            return
        problem = None if session.ended is None else ErrorRecord.of(session.ended)
        if problem is not None:
            LIVE_ENDS.labels(problem.kind).inc()
            self._remember(opened, problem)
        opened.connection.send(SessionEnded(session=session.viewing.session, problem=problem))

    def _report_wish(self, session: ViewerSession, is_sub: bool) -> None:
        name = session.viewing.session
        self._open[name].connection.send(SessionWish(session=name, is_sub=is_sub))

    def _report_move(self, session: ViewerSession) -> None:
        name = session.viewing.session
        self._open[name].connection.send(SessionMoved(session=name))


def _is_of(message: ChangeSession | ReadSession, owner: str, camera_id: str) -> bool:
    is_owner = secrets.compare_digest(owner.encode(), message.owner.encode())
    return is_owner and camera_id == message.camera


def _state(session: ViewerSession) -> SessionState:
    problem = None if session.sound is None else session.sound.problem
    return SessionState(
        is_sub=session.stream.is_sub,
        is_reduced=session.is_reduced,
        skipped=session.skipped,
        sound_problem=None if problem is None else ErrorRecord.of(problem),
    )


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
            "camera {camera} sent no keyframe within {picture_within_s} s",
            camera=camera,
            picture_within_s=round(PICTURE_WITHIN_S),
        ) from error
    finally:
        stream.ignore(changed.set)
    if stream.error is not None:
        raise stream.error
