"""An API process's connection to the media process."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from api.requests.problems import ErrorRecord
from api.webrtc.messages import (
    ChangeSession,
    CloseSession,
    Message,
    OpenSession,
    ReadSession,
    Reply,
    SessionEnded,
    SessionMoved,
    SessionState,
    SessionWish,
    error_of,
    read_message,
    written,
    written_records,
)
from domain.errors import SightlineError, StoreError
from domain.paths.local_sockets import address_of

REPLY_WITHIN_S = 20.0
IDLE_S = 60.0
"""A connection without a session is closed after this time to twice as long."""
_ENDED = "the media process, which sends WebRTC, has ended; open the camera again"
_FAILS = (
    "the media process, which sends WebRTC, ended before it answered; the site starts it again "
    "within seconds, and its log says why"
)


@dataclass(frozen=True, slots=True)
class SessionEvents:
    """What the API process does when something happens to one of its sessions."""

    ended: Callable[[SightlineError | None], None]
    """The session has ended; None if the viewer has left."""
    wish: Callable[[bool], None]
    """The viewer cannot keep up, and needs the sub-stream (True); or it can again."""
    moved: Callable[[], None]
    """The session continues with the stream of the last `MoveSession`."""


class MediaClient:
    """Only one event loop may use it. It connects when it is first needed, which starts the media
    process, and disconnects when it was not needed for a while, so that the process can end.
    """

    def __init__(self, path: Path | None, idle_s: float = IDLE_S) -> None:
        """`path` is the socket of the media process; None where there is none."""
        self._path = path
        self._idle_s = idle_s
        self._connecting = asyncio.Lock()
        self._link: MediaLink | None = None
        self._needed_s = 0.0
        """When a connection was last requested, by the clock of the event loop."""
        self._closing: asyncio.TimerHandle | None = None

    async def link(self) -> MediaLink:
        """Return the present connection. Raises StoreError if the media process does not run."""
        async with self._connecting:
            if self._link is None or self._link.has_ended:
                self._link = await self._connect()
                self._close_later(self._link)
            self._needed_s = asyncio.get_running_loop().time()
            return self._link

    def _close_later(self, link: MediaLink) -> None:
        loop = asyncio.get_running_loop()
        self._closing = loop.call_later(self._idle_s, self._close_if_idle, link)

    def _close_if_idle(self, link: MediaLink) -> None:
        if link.has_ended:
            return
        loop = asyncio.get_running_loop()
        if link.is_needed:
            self._needed_s = loop.time()
        if loop.time() - self._needed_s < self._idle_s:
            self._close_later(link)
        else:
            link.end()

    async def _connect(self) -> MediaLink:
        if self._path is None:
            raise StoreError("this site serves no WebRTC (SIGHTLINE_WEBRTC=0)")
        try:
            with address_of(self._path) as address:
                reader, writer = await asyncio.open_unix_connection(address)
        except OSError as error:
            raise StoreError(
                "the media process, which sends WebRTC, does not run here: {reason}",
                reason=error.strerror,
            ) from error
        return MediaLink(reader, writer)

    async def close(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        if self._link is not None:
            await self._link.close()


class MediaLink:
    """One connection. All its sessions end with it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.has_ended = False
        self._has_received = False
        """Whether the media process has sent anything."""
        self._writer = writer
        self._replies: dict[str, asyncio.Future[Reply]] = {}
        self._sessions: dict[str, SessionEvents] = {}
        self._last_stream = 0
        self._task = asyncio.create_task(self._read(reader), name="media link")

    @property
    def is_needed(self) -> bool:
        """Whether it has a session, or a request that is not answered yet."""
        return bool(self._sessions or self._replies)

    def new_stream(self) -> int:
        """Return the number for another stream."""
        self._last_stream += 1
        return self._last_stream

    async def open(self, message: OpenSession, events: SessionEvents) -> Reply:
        """Open a session. Raises the error with which the media process refuses it."""
        self._sessions[message.session] = events
        try:
            return await self._request(message.session, message)
        except BaseException:
            self.close_session(message.session)
            raise

    def close_session(self, session: str, error: SightlineError | None = None) -> None:
        """End a session, which may have ended already. `error` is why this site ends it."""
        if self._sessions.pop(session, None) is None or self.has_ended:
            return
        problem = None if error is None else ErrorRecord.of(error)
        self.send(CloseSession(session=session, problem=problem))

    async def change(
        self, session: str, owner: str, camera: str, fragment: str | None, tag: str | None
    ) -> Reply:
        """Restart ICE of a session with a fragment of SDP, or end it. The session may belong to
        another API process. Raises NotFound, RecordChanged or BadInput.
        """
        request = secrets.token_hex(8)
        message = ChangeSession(
            request=request, session=session, owner=owner, camera=camera, fragment=fragment, tag=tag
        )
        return await self._request(request, message)

    async def read(self, session: str, owner: str, camera: str) -> SessionState:
        """Return the state of a session, which may belong to another API process.

        Raises NotFound.
        """
        request = secrets.token_hex(8)
        message = ReadSession(request=request, session=session, owner=owner, camera=camera)
        state = (await self._request(request, message)).state
        assert state is not None
        return state

    def send(self, message: Message) -> None:
        self._writer.write(written(message))

    async def send_records(self, stream: int, records: bytes) -> None:
        """Send records of a stream; wait while the media process is too slow."""
        self._writer.write(written_records(stream, records))
        try:
            await self._writer.drain()
        except OSError as error:
            raise StoreError(_ENDED) from error

    def end(self) -> None:
        """End the connection, which must not be used from now on."""
        self.has_ended = True
        self._task.cancel()

    async def close(self) -> None:
        self.end()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _request(self, name: str, message: Message) -> Reply:
        if self.has_ended:
            raise StoreError(_ENDED)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._replies[name] = future
        try:
            self.send(message)
            async with asyncio.timeout(REPLY_WITHIN_S):
                reply = await future
        except TimeoutError as error:
            raise StoreError("the media process, which sends WebRTC, does not answer") from error
        finally:
            del self._replies[name]
        if reply.error is not None:
            raise reply.error
        return reply

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                message = await read_message(reader)
                self._has_received = True
                if not isinstance(message, tuple):
                    self._process(message)
        except (EOFError, OSError):
            """The media process has ended."""
        finally:
            self._end()

    def _process(self, message: Message) -> None:
        if isinstance(message, Reply):
            future = self._replies.get(message.request)
            if future is not None and not future.done():
                future.set_result(message)
        elif isinstance(message, SessionEnded):
            events = self._sessions.pop(message.session, None)
            if events is not None:
                problem = message.problem
                events.ended(error_of(problem) if problem else None)
        elif isinstance(message, SessionWish):
            if message.session in self._sessions:
                self._sessions[message.session].wish(message.is_sub)
        elif isinstance(message, SessionMoved) and message.session in self._sessions:
            self._sessions[message.session].moved()

    def _end(self) -> None:
        self.has_ended = True
        self._writer.close()
        error = StoreError(_ENDED if self._has_received else _FAILS)
        for future in self._replies.values():
            if not future.done():
                future.set_exception(error)
        sessions, self._sessions = self._sessions, {}
        for events in sessions.values():
            events.ended(error)
