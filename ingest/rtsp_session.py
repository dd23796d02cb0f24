"""One RTSP session over its own TCP connection: what is asked, what the camera answers, and what it sends between (RFC 2326).

No error text quotes an answer or a header: they may hold what a login is made of.
"""

from __future__ import annotations

import re
import secrets
import socket
import struct
from contextlib import suppress

from domain.errors import SourceError, SourceRejected, SourceTimeout, SourceUnreachable
from domain.states import Why
from ingest.connect import Pull
from ingest.rtsp_auth import Login, best
from ingest.rtsp_wire import Answer, Media, Wire

_SLICE_US = 250_000
"""A read or a write waits no longer than this at a time, so that `stop` is seen."""
PAUSE_US, COLLECT_BYTES = 80_000, 48 << 10
"""While media is played, a read ends when so much is there or so long has passed: the kernel collects, and does not wake us for less.
The time is part of the live view's delay."""
_TIMEVAL = struct.Struct("@ll")
_LOGINS = 3
_HARMLESS = {("OPTIONS", status) for status in (404, 405, 454, 455, 501, 551)}
"""Some cameras know no OPTIONS; what they have is asked for next."""
_USUAL_TIMEOUT_S = 60.0
_INTERLEAVED = re.compile(r"interleaved\s*=\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?", re.IGNORECASE)
_TIMEOUT = re.compile(r"timeout\s*=\s*(\d{1,6})", re.IGNORECASE)


class Session:
    """Raises SourceError for what the camera refuses, and for a connection that fails or stays silent; also where `stop` is set."""

    def __init__(self, connection: socket.socket, pull: Pull) -> None:
        self.is_over = False
        """The camera closed the connection."""
        self.keep_alive_s = _USUAL_TIMEOUT_S / 2
        self.media: Media = _NoMedia()
        self._connection = connection
        self._pull = pull
        self._wire = Wire((0, 1))
        self.channels = self._wire.channels
        """Of RTP and RTCP, once `set_up` has agreed on them."""
        self._login: Login | None = None
        self._id = ""
        self._sequence = 0
        self._is_answered = False
        self._tells_parameters = False
        connection.setblocking(True)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            connection.setsockopt(socket.SOL_SOCKET, option, _TIMEVAL.pack(0, _SLICE_US))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def describe(self, url: str) -> tuple[str, str]:
        """The session description of `url`, and the URL that its controls are relative to."""
        options = self._ask("OPTIONS", url)
        self._tells_parameters = "GET_PARAMETER" in options.header("public").upper()
        answer = self._ask("DESCRIBE", url, "Accept: application/sdp")
        base = answer.header("content-base") or answer.header("content-location") or url
        return answer.body.decode("utf-8", "replace"), base if base.lower().startswith("rtsp://") else url

    def set_up(self, url: str) -> None:
        """Have the media of `url` sent through this connection."""
        answer = self._ask("SETUP", url, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        transport = answer.header("transport")
        match = _INTERLEAVED.search(transport)
        if match is None and "RTP/AVP/TCP" not in transport.upper():
            raise _no_tcp()
        if match is not None:
            first = int(match[1]) & 0xFF
            self.channels = self._wire.channels = (first, int(match[2] or first + 1) & 0xFF)
        self._id, _, rest = answer.header("session").partition(";")
        if timeout := _TIMEOUT.search(rest):
            self.keep_alive_s = max(1.0, int(timeout[1]) / 2)

    def play(self, url: str) -> None:
        """From here on the media comes, the first of it perhaps before the answer."""
        self._ask("PLAY", url, "Range: npt=0.000-")
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(0, PAUSE_US))
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, COLLECT_BYTES)

    def keep_alive(self, url: str) -> None:
        """Ask for nothing; the answer is looked at when it comes."""
        self._send(self._request("GET_PARAMETER" if self._tells_parameters else "OPTIONS", url))

    def report(self, data: bytes) -> None:
        """Send an RTCP packet."""
        self._send(struct.pack(">BBH", 0x24, self._wire.channels[1], len(data)) + data)

    def tear_down(self, url: str) -> None:
        """Say goodbye, if that can be done at once."""
        with suppress(OSError):
            self._connection.send(self._request("TEARDOWN", url), socket.MSG_DONTWAIT)

    def receive(self) -> None:
        """One read: media goes to `media`. It may give nothing, after `_SLICE_US` or, while media is played, `PAUSE_US`."""
        wire = self._wire
        try:
            size = self._connection.recv_into(wire.room())
        except BlockingIOError:
            return
        except OSError as error:
            raise _failed(error) from None
        self.is_over = size == 0
        wire.took(size)
        wire.deliver(self.media)

    def heed(self) -> None:
        """Look at the answers to `keep_alive`: raises where the camera no longer knows the session."""
        while self._wire.answers:
            answer = self._wire.answers.popleft()
            if answer.status == 401:
                self._log_in(answer)
            if answer.status == 454:
                raise SourceUnreachable("the camera gave up the session (454)", Why.SESSION_LOST)

    def _ask(self, method: str, url: str, *headers: str) -> Answer:
        for attempt in range(_LOGINS):
            self._send(self._request(method, url, *headers))
            answer = self._answer()
            if answer.status != 401:
                break
            if not self._log_in(answer) and attempt:
                break
            if self._login is None:
                break
        if answer.status != 200 and (method, answer.status) not in _HARMLESS:
            raise _refused(method, answer.status)
        return answer

    def _log_in(self, answer: Answer) -> bool:
        """Get ready to log in as the camera asks; True where only the nonce was too old."""
        challenge = best(answer.all("www-authenticate"))
        credentials = self._pull.credentials
        if challenge is None or credentials is None:
            self._login = None
            return False
        self._login = Login(challenge, credentials.user, credentials.password.get_secret_value(), secrets.token_hex(8))
        return challenge.is_stale

    def _request(self, method: str, url: str, *headers: str) -> bytes:
        self._sequence += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._sequence}", "User-Agent: Sightline", *headers]
        if self._id:
            lines.append(f"Session: {self._id}")
        if self._login is not None:
            lines.append(f"Authorization: {self._login.header(method, url)}")
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode()

    def _answer(self) -> Answer:
        """The answer to the last request."""
        end_s = self._pull.clock.monotonic_s() + self._pull.timeout_s
        while True:
            while self._wire.answers:
                answer = self._wire.answers.popleft()
                self._is_answered = True
                if answer.header("cseq") in ("", str(self._sequence)):
                    return answer
            if self._wire.garbage_bytes and not self._is_answered:
                raise SourceUnreachable("the camera's answer is not RTSP", Why.NOT_RTSP)
            self._wait(end_s)

    def _wait(self, end_s: float) -> None:
        if self._pull.stop.is_set() or self.is_over:
            raise SourceUnreachable("the camera ended the connection", Why.ENDED)
        if self._pull.clock.monotonic_s() > end_s:
            raise SourceTimeout(f"the camera said nothing for {self._pull.timeout_s:g} s")
        self.receive()

    def _send(self, data: bytes) -> None:
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise _failed(error) from None


class _NoMedia:
    """Before there is any: what comes all the same is passed over."""

    def put(self, buffer: bytearray, channel: int, start: int, stop: int) -> None:
        pass

    def go_on(self, buffer: bytearray, at: int, end: int) -> int:
        return at


def _failed(error: OSError) -> SourceError:
    if isinstance(error, BlockingIOError):
        return SourceTimeout("the camera takes nothing")
    return SourceUnreachable(f"the connection failed: {error.strerror}")


def _refused(method: str, status: int) -> SourceError:
    if status in (401, 403):
        return SourceRejected("the camera refuses the user name or password")
    if status == 404:
        return SourceUnreachable("the camera has no stream under this path (404)", Why.NO_PATH)
    if 300 <= status < 400:
        return SourceUnreachable("the camera redirects to another address; write that one into the registry", Why.REDIRECTED)
    if method == "SETUP" and status == 461:
        return _no_tcp()
    return SourceUnreachable(f"the camera refuses the request ({method}: {status})", Why.REJECTED)


def _no_tcp() -> SourceError:
    return SourceUnreachable("the camera does not send over TCP; write `transport: udp` into the registry", Why.TRANSPORT)
