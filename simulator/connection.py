"""One RTSP connection: reads requests, answers them, and holds at most one session (RFC 2326)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Mapping

from simulator.auth import challenges, is_authorised
from simulator.messages import (
    SOUND_TRACK,
    TRACK,
    MalformedRequest,
    SimulatorAnswer,
    SimulatorRequest,
    Transport,
    parse_request,
    parse_transport,
)
from simulator.output import TcpOutput, UdpOutput, UdpPorts
from simulator.player import Player
from simulator.station import Station

SESSION_TIMEOUT_S = 60
METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER"
_NEEDS_SESSION = ("PLAY", "PAUSE", "TEARDOWN")


class ClientConnection:
    """`run` returns when the client goes, falls silent for a session's timeout, or its stream
    ends.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        stations: Mapping[str, Station],
        ports: UdpPorts,
        nonce: str,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._stations = stations
        self._ports = ports
        self._nonce = nonce
        self._session = ""
        self._station: Station | None = None
        self._transports: dict[str, Transport] = {}
        """The tracks that were set up."""
        self._player: Player | None = None
        self._sound: Player | None = None
        self._paused_s: float | None = None

    async def run(self) -> None:
        try:
            while (request := await self._request()) is not None:
                answer = self._answer(request)
                self._writer.write(answer.encoded(request.header("cseq")))
                if request.method == "PLAY" and answer.status == 200 and self._player is not None:
                    for player in self._players:
                        player.start()
                if request.method == "TEARDOWN":
                    break
        except MalformedRequest:
            self._writer.write(SimulatorAnswer(400).encoded(""))
        except (
            TimeoutError,
            ConnectionError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
        ):
            pass  # the client went; a stream that it had ends with it
        finally:
            self.fall_silent()
            self._writer.close()
            # What is still to be sent keeps the transport open after `close`.
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()

    def fall_silent(self) -> None:
        """Send nothing more of the stream that plays; the connection stays."""
        for player in self._players:
            player.stop()

    @property
    def _players(self) -> list[Player]:
        return [player for player in (self._player, self._sound) if player is not None]

    def close(self) -> None:
        """Abort the connection; `run` then returns."""
        self._writer.transport.abort()

    async def _request(self) -> SimulatorRequest | None:
        """The next request; the reports that a client sends between them are skipped. None at the
        connection's end.

        Raises TimeoutError after a session's timeout without either.
        """
        first = await asyncio.wait_for(self._reader.read(1), SESSION_TIMEOUT_S)
        while first == b"$":
            head = await self._reader.readexactly(3)
            await self._reader.readexactly(int.from_bytes(head[1:], "big"))
            first = await asyncio.wait_for(self._reader.read(1), SESSION_TIMEOUT_S)
        if not first:
            return None
        request = parse_request((first + await self._reader.readuntil(b"\r\n\r\n"))[:-4])
        length = request.header("content-length")
        if length.isdigit():
            await self._reader.readexactly(min(int(length), 1 << 16))
        return request

    def _answer(self, request: SimulatorRequest) -> SimulatorAnswer:
        if request.method == "OPTIONS":
            return SimulatorAnswer(200, (("Public", METHODS),))
        station = self._stations.get(request.path)
        if station is None or station.is_over:
            return SimulatorAnswer(404)
        if station.plan.refuses(station.now_s):
            return SimulatorAnswer(503)
        login = station.plan.login(station.now_s)
        if login is not None and not is_authorised(
            request.header("authorization"), request.method, login, self._nonce
        ):
            return SimulatorAnswer(
                401, tuple(("WWW-Authenticate", challenge) for challenge in challenges(self._nonce))
            )
        if request.method in _NEEDS_SESSION and (
            not self._session or request.header("session").partition(";")[0] != self._session
        ):
            return SimulatorAnswer(454)
        return self._dispatch(request, station)

    def _dispatch(self, request: SimulatorRequest, station: Station) -> SimulatorAnswer:
        match request.method:
            case "DESCRIBE":
                return _describe(request, station)
            case "SETUP":
                return self._setup(request, station)
            case "PLAY":
                return self._play(request)
            case "PAUSE":
                return self._pause()
            case "TEARDOWN" | "GET_PARAMETER" | "SET_PARAMETER":
                return SimulatorAnswer(200, (("Session", self._session),) if self._session else ())
            case _:
                return SimulatorAnswer(501)

    def _setup(self, request: SimulatorRequest, station: Station) -> SimulatorAnswer:
        if self._player is not None:
            return SimulatorAnswer(455)
        transport = parse_transport(request.header("transport"))
        if transport is None:
            return SimulatorAnswer(461)
        if request.track == SOUND_TRACK and station.sound is None:
            return SimulatorAnswer(404)
        self._station = station
        self._transports[request.track or TRACK] = transport
        self._session = self._session or secrets.token_hex(8)
        if transport.channels:
            chosen = (
                f"RTP/AVP/TCP;unicast;interleaved={transport.channels[0]}-{transport.channels[1]}"
            )
        else:
            client, server = transport.ports or (0, 0), self._ports.numbers
            ports = f"client_port={client[0]}-{client[1]};server_port={server[0]}-{server[1]}"
            chosen = f"RTP/AVP;unicast;{ports}"
        return SimulatorAnswer(
            200,
            (("Transport", chosen), ("Session", f"{self._session};timeout={SESSION_TIMEOUT_S}")),
        )

    def _play(self, request: SimulatorRequest) -> SimulatorAnswer:
        station, transport = self._station, self._transports.get(TRACK)
        if station is None or transport is None or self._player is not None:
            return SimulatorAnswer(455)
        player = station.player(self._output(transport), self._on_end, self._paused_s)
        self._player = player
        sound = self._transports.get(SOUND_TRACK)
        if sound is not None:
            self._sound = station.sound_player(self._output(sound), self._on_end, player.epoch)
        base = request.url.rstrip("/").removesuffix("/" + request.track)
        tracks = zip((TRACK, SOUND_TRACK), self._players, strict=False)
        info = ",".join(
            f"url={base}/{name};seq={one.sequence};rtptime={one.first_timestamp}"
            for name, one in tracks
        )
        return SimulatorAnswer(
            200, (("Session", self._session), ("Range", "npt=now-"), ("RTP-Info", info))
        )

    def _pause(self) -> SimulatorAnswer:
        if self._player is None:
            return SimulatorAnswer(455)
        self._paused_s = self._player.now_s
        self.fall_silent()
        self._player = self._sound = None
        return SimulatorAnswer(200, (("Session", self._session),))

    def _output(self, transport: Transport) -> TcpOutput | UdpOutput:
        if transport.channels:
            return TcpOutput(self._writer.transport, transport.channels)
        # Only ever to the address that asked: a simulator must not be made to flood a third.
        host = self._writer.get_extra_info("peername")[0]
        return UdpOutput(self._ports, host, transport.ports or (0, 0))

    def _on_end(self, abruptly: bool) -> None:
        if abruptly:
            self.close()
        else:
            self._writer.close()


def _describe(request: SimulatorRequest, station: Station) -> SimulatorAnswer:
    lines = (
        "v=0",
        "o=- 0 0 IN IP4 127.0.0.1",
        "s=Simulated camera",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
    )
    sound = () if station.sound is None else (*station.sound.sdp, f"a=control:{SOUND_TRACK}")
    body = "\r\n".join((*lines, *station.media.sdp, f"a=control:{TRACK}", *sound)) + "\r\n"
    return SimulatorAnswer(
        200,
        (("Content-Base", request.url.rstrip("/") + "/"), ("Content-Type", "application/sdp")),
        body,
    )
