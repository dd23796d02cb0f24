"""The sessions of all viewers of a media process, and the one UDP socket that they share.

A datagram belongs to a session by the user name of its connectivity check (ICE-lite). All others
belong to it by an address from which such a check came. So a server of hundreds of viewers has one
port, and an address that was not checked is sent nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from api.webrtc.ice_session import new_credentials
from api.webrtc.protocols import stun
from api.webrtc.protocols.dtls import DtlsIdentity
from api.webrtc.protocols.rtcp import is_rtcp
from api.webrtc.sdp import SdpAnswer, SdpOffer, ice_lines, write_answer
from api.webrtc.sound_session import SoundSession
from api.webrtc.stream import MediaStream
from api.webrtc.udp_socket import UdpPath, UdpSocket
from api.webrtc.viewer_session import (
    SessionLimits,
    ViewerSession,
    Viewing,
)
from domain.clock import Clock
from domain.errors import BadInput, StoreError
from domain.media.viewer_metrics import LIVE_DATAGRAMS_REFUSED, LIVE_SESSIONS

K = TypeVar("K")
TICK_S = 0.2
CATCH_UP_S = 0.004
"""The pause between two bursts to a viewer that catches up."""
MAX_SESSIONS = 1_000


class MediaServer:
    """Only the event loop in which `run` runs may use it.

    A session is in no reference cycle, so it is freed when it ends. The cyclic garbage collector of
    this process runs rarely.
    """

    def __init__(
        self,
        socket: UdpSocket,
        clock: Clock,
        on_end: Callable[[ViewerSession], None],
        on_wish: Callable[[ViewerSession, bool], None],
        on_move: Callable[[ViewerSession], None],
    ) -> None:
        """`on_end` is called once for each session that ends by itself, `on_wish` for a viewer that
        needs the sub-stream (True) or the main stream, and `on_move` after it has got that.
        """
        self._socket = socket
        self._clock = clock
        self._on_end = on_end
        self._on_wish = on_wish
        self._on_move = on_move
        self._identity = DtlsIdentity(clock.wall_ns())
        self._limits = SessionLimits.of(clock)
        self._sessions: dict[str, ViewerSession] = {}
        self._by_name: dict[str, ViewerSession] = {}
        """The sessions by the user name fragments of their credentials."""
        self._by_address: dict[tuple[str | int, ...], ViewerSession] = {}
        self._listeners: dict[str, Callable[[], None]] = {}
        self._pumps: dict[str, asyncio.TimerHandle] = {}
        self._moves: dict[str, tuple[MediaStream, Callable[[], None]]] = {}
        """The streams whose keyframe a session waits for, and what listens to them."""

    async def run(self) -> None:
        """Serve until it is cancelled."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket.fileno(), self._receive)
        try:
            while True:
                await asyncio.sleep(TICK_S)
                self._tick()
        finally:
            loop.remove_reader(self._socket.fileno())
            for session in tuple(self._sessions.values()):
                self.close(session)

    def open(
        self,
        viewing: Viewing,
        offer: SdpOffer,
        stream: MediaStream,
        hosts: tuple[str, ...],
        sound: SoundSession | None = None,
    ) -> tuple[ViewerSession, str]:
        """Open the session of a viewer; return it and the answer to its offer. `sound` is None for
        a viewer who did not request it.

        Raises StoreError if there are too many.
        """
        if len(self._sessions) >= MAX_SESSIONS:
            raise StoreError(
                "this host serves {max_sessions} viewers by WebRTC already",
                max_sessions=MAX_SESSIONS,
            )
        session = ViewerSession(
            viewing,
            offer,
            stream,
            self._identity,
            self._socket,
            self._limits,
            self._clock,
            self._on_wish,
            sound,
        )
        self._sessions[viewing.session] = session
        self._by_name[session.ice.credentials.name] = session
        self._listen(session)
        LIVE_SESSIONS.set(len(self._sessions))
        answer = SdpAnswer(
            session.ice.credentials,
            self._identity.fingerprint,
            hosts,
            self._socket.port,
            session.ssrc,
            viewing.camera_id,
            sound.ssrc if sound is not None and sound.is_accepted else None,
        )
        return session, write_answer(offer, answer)

    def restart(self, session: ViewerSession, hosts: tuple[str, ...]) -> str:
        """Give a session new credentials, and return the fragment of SDP that has them. The present
        ones are valid until a check uses the new ones.
        """
        if session.ice.restarted is not None:
            del self._by_name[session.ice.restarted.name]
        session.ice.restarted = new_credentials()
        self._by_name[session.ice.restarted.name] = session
        lines = ice_lines(session.ice.restarted, hosts, self._socket.port)
        return "\r\n".join([*lines, ""])

    def move(self, session: ViewerSession, stream: MediaStream) -> None:
        """Continue a session with another stream, as soon as that has a keyframe. If it ends
        before, the session stays with its stream.
        """
        name = session.viewing.session
        self._cancel_move(name)
        listener = partial(self._move_if_ready, session, stream)
        self._moves[name] = (stream, listener)
        stream.listen(listener)

    def _move_if_ready(self, session: ViewerSession, stream: MediaStream) -> None:
        name = session.viewing.session
        if stream.error is not None:
            self._cancel_move(name)
        elif stream.history.keyframe is not None:
            self._cancel_move(name)
            pump = self._listeners[name]
            session.stream.ignore(pump)
            session.move_to(stream)
            stream.listen(pump)
            self._on_move(session)
            pump()

    def _cancel_move(self, name: str) -> None:
        stream, listener = self._moves.pop(name, (None, None))
        if stream is not None and listener is not None:
            stream.ignore(listener)

    def _tick(self) -> None:
        for session in tuple(self._sessions.values()):
            session.tick()
            self._end_if_over(session)

    def close(self, session: ViewerSession) -> None:
        """End a session, and say so to its viewer."""
        name = session.viewing.session
        if self._sessions.pop(name, None) is None:
            return
        session.close()
        session.stream.ignore(self._listeners.pop(name))
        if session.sound is not None and session.sound.is_accepted:
            session.sound.stream.ignore(session.on_sound)
        self._cancel_move(name)
        if name in self._pumps:
            self._pumps.pop(name).cancel()
        self._by_name = _without(self._by_name, session)
        self._by_address = _without(self._by_address, session)
        LIVE_SESSIONS.set(len(self._sessions))

    def _listen(self, session: ViewerSession) -> None:
        pump = self._listeners[session.viewing.session] = partial(self._pump, session)
        session.stream.listen(pump)
        if session.sound is not None and session.sound.is_accepted:
            session.sound.stream.listen(session.on_sound)

    def _receive(self) -> None:
        for data, path in self._socket.receive():
            first = data[0] if data else 255
            if first < 4:
                self._on_stun(data, path)
            elif 20 <= first < 64 or 128 <= first < 192:
                self._on_peer(data, path)
            else:
                LIVE_DATAGRAMS_REFUSED.labels("unknown").inc()

    def _on_stun(self, data: bytes, path: UdpPath) -> None:
        try:
            check = stun.read_check(data)
        except BadInput:
            LIVE_DATAGRAMS_REFUSED.labels("stun").inc()
            return
        session = self._by_name.get(check.to)
        former = None if session is None else session.ice.credentials.name
        if session is None or not session.on_check(check, path):
            LIVE_DATAGRAMS_REFUSED.labels("stun").inc()
            return
        self._by_address[path.raw] = session
        if former != session.ice.credentials.name:
            self._by_name.pop(former or "", None)

    def _on_peer(self, data: bytes, path: UdpPath) -> None:
        """Process a datagram of DTLS or RTCP from an address that was checked."""
        session = self._by_address.get(path.raw)
        if session is None:
            LIVE_DATAGRAMS_REFUSED.labels("address").inc()
        elif data[0] < 64:
            session.on_dtls(data)
            self._pump(session)
        elif is_rtcp(data):
            try:
                session.on_rtcp(data)
            except BadInput:
                LIVE_DATAGRAMS_REFUSED.labels("rtcp").inc()
            self._pump(session)
        else:
            LIVE_DATAGRAMS_REFUSED.labels("rtp").inc()

    def _pump(self, session: ViewerSession) -> None:
        """Send what is due to a viewer, and what is left of it a little later."""
        name = session.viewing.session
        waits = session.pump()
        self._end_if_over(session)
        if waits and name in self._sessions and name not in self._pumps:
            self._pumps[name] = asyncio.get_running_loop().call_later(
                CATCH_UP_S, self._pump_again, session
            )

    def _pump_again(self, session: ViewerSession) -> None:
        self._pumps.pop(session.viewing.session, None)
        self._pump(session)

    def _end_if_over(self, session: ViewerSession) -> None:
        if session.is_over and session.viewing.session in self._sessions:
            self.close(session)
            self._on_end(session)


def _without(table: dict[K, ViewerSession], session: ViewerSession) -> dict[K, ViewerSession]:
    return {key: one for key, one in table.items() if one is not session}
