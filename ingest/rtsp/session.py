"""One RTSP session: its requests, and the meaning of the camera's answers (RFC 2326). Pure: no
sockets.

A `Talk` yields requests and receives the answer to each. Error texts never quote an answer or a
header, because they may contain parts of a login.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator

from domain.camera_states import Why
from domain.errors import SourceError, SourceRejected, SourceUnreachable
from domain.registry import Credentials
from ingest.rtsp.auth import RtspLogin, strongest_challenge
from ingest.rtsp.wire import RtspAnswer

_LOGINS = 3
_ACCEPTED_ERRORS = {("OPTIONS", status) for status in (404, 405, 454, 455, 501, 551)}
"""Some cameras do not support OPTIONS; the next request shows what they support."""
_MOVED = (301, 302, 303, 305, 307, 308)
_USUAL_TIMEOUT_S = 60.0
_TIMEOUT = re.compile(r"timeout\s*=\s*(\d{1,6})", re.IGNORECASE)


def basic_refused() -> SourceRejected:
    return SourceRejected(
        "the camera asks for the password without encryption (basic authentication), so it is not "
        "sent; enable digest authentication or rtsps at the camera, or accept that with  "
        "basic_in_clear: true",
        Why.BASIC_IN_CLEAR,
    )


def login_refused(credentials: Credentials | None) -> SourceRejected:
    """Return the error of a camera that refuses `credentials`, or requires some."""
    if credentials is None:
        return SourceRejected(
            "the camera requires a user name and a password; write the name of a secret under "
            "`credentials`"
        )
    return SourceRejected("the camera refuses the user name or password")


class RtspSession:
    """The requests of one session. They raise SourceError if the camera refuses."""

    def __init__(self, credentials: Credentials | None, *, may_send_basic: bool) -> None:
        self.keep_alive_s = _USUAL_TIMEOUT_S / 2
        self._may_send_basic = may_send_basic
        self._credentials = credentials
        self._login: RtspLogin | None = None
        self._id = ""
        self._sequence = 0
        self._supports_get_parameter = False
        self._may_repeat = False
        """Whether the request that keeps the session alive was sent only once."""

    def is_awaited(self, answer: RtspAnswer) -> bool:
        """Whether `answer` belongs to the last request."""
        return answer.header("cseq") in ("", str(self._sequence))

    def describe(self, url: str) -> Generator[bytes, RtspAnswer, RtspAnswer]:
        """Return the answer with the description of `url`, or a redirect: see `moved_to`."""
        options = yield from self._ask("OPTIONS", url)
        self._supports_get_parameter = "GET_PARAMETER" in options.header("public").upper()
        if moved_to(options):
            return options
        return (yield from self._ask("DESCRIBE", url, "Accept: application/sdp"))

    def set_up(self, url: str, transport: str) -> Generator[bytes, RtspAnswer, str]:
        """Request the media of `url` with the Transport header `transport`, and return the camera's
        header.
        """
        answer = yield from self._ask("SETUP", url, f"Transport: {transport}")
        self._id, _, rest = answer.header("session").partition(";")
        if timeout := _TIMEOUT.search(rest):
            self.keep_alive_s = max(1.0, int(timeout[1]) / 2)
        return answer.header("transport")

    def play(self, url: str) -> Generator[bytes, RtspAnswer, None]:
        """Start playback. The first media may arrive before the answer."""
        yield from self._ask("PLAY", url, "Range: npt=0.000-")

    def keep_alive(self, url: str) -> bytes:
        """Return a request that only keeps the session alive; pass its answer to `check_answer`."""
        self._may_repeat = True
        return self._keep_alive(url)

    def _keep_alive(self, url: str) -> bytes:
        return self._request("GET_PARAMETER" if self._supports_get_parameter else "OPTIONS", url)

    def tear_down(self, url: str) -> bytes:
        return self._request("TEARDOWN", url)

    def check_answer(self, answer: RtspAnswer, url: str) -> bytes:
        """Check an answer during playback, and return what is to be sent next, which mostly is
        nothing. The request that keeps the session alive is repeated once if the camera requires
        another login for it, as one with a nonce for each request does.

        Raises SourceUnreachable if the camera has ended the session.
        """
        if answer.status == 454:
            raise SourceUnreachable("the camera gave up the session (454)", Why.SESSION_LOST)
        if answer.status != 401:
            return b""
        self._log_in(answer)
        if self._login is None or not self._may_repeat:
            return b""
        self._may_repeat = False
        return self._keep_alive(url)

    def _ask(
        self, method: str, url: str, *headers: str
    ) -> Generator[bytes, RtspAnswer, RtspAnswer]:
        for attempt in range(_LOGINS):
            answer = yield self._request(method, url, *headers)
            if answer.status != 401:
                break
            if not self._log_in(answer) and attempt:
                break
            if self._login is None:
                break
        is_moved = method in ("OPTIONS", "DESCRIBE") and moved_to(answer)
        if (
            answer.status != 200
            and not is_moved
            and (method, answer.status) not in _ACCEPTED_ERRORS
        ):
            raise _refused(method, answer.status, self._credentials)
        return answer

    def _log_in(self, answer: RtspAnswer) -> bool:
        """Prepare the login that the camera requires. Return True if only the nonce was stale."""
        challenge = strongest_challenge(answer.header_values("www-authenticate"))
        if challenge is None or self._credentials is None:
            self._login = None
            return False
        if challenge.is_basic and not self._may_send_basic:
            raise basic_refused()
        password = self._credentials.password.get_secret_value()
        self._login = RtspLogin(challenge, self._credentials.user, password, secrets.token_hex(8))
        return challenge.is_stale

    def _request(self, method: str, url: str, *headers: str) -> bytes:
        self._sequence += 1
        lines = [
            f"{method} {url} RTSP/1.0",
            f"CSeq: {self._sequence}",
            "User-Agent: Sightline",
            *headers,
        ]
        if self._id:
            lines.append(f"Session: {self._id}")
        if self._login is not None:
            lines.append(f"Authorization: {self._login.header(method, url)}")
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def moved_to(answer: RtspAnswer) -> str:
    """Return the address to which the camera redirects; empty if it does not."""
    return answer.header("location") if answer.status in _MOVED else ""


def _refused(method: str, status: int, credentials: Credentials | None) -> SourceError:
    if status in (401, 403):
        return login_refused(credentials)
    if status == 404:
        return SourceUnreachable("the camera has no stream under this path (404)", Why.NO_PATH)
    if method == "SETUP" and status == 461:
        return SourceUnreachable(
            "the camera does not send the way the registry says; write another `transport` there",
            Why.TRANSPORT,
        )
    return SourceUnreachable(
        "the camera refuses the request ({method}: {status})",
        Why.REJECTED,
        method=method,
        status=status,
    )
