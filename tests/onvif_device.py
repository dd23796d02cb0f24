"""A small ONVIF device over real HTTP: checks logins as cameras do, keeps one subscription, and
says what a test has it say.
"""

from __future__ import annotations

import queue
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree as Tree

USER, PASSWORD = "admin", "ge<heim"
REALM, NONCE = "device", "abc123"
_FAULT = "<S:Fault><S:Code><S:Subcode><S:Value>ter:{}</S:Value></S:Subcode></S:Code></S:Fault>"


def motion(
    is_on: bool,
    topic: str = "tns1:RuleEngine/CellMotionDetector/Motion",
    operation: str = "Changed",
) -> str:
    value = "true" if is_on else "false"
    return (
        f'<n:NotificationMessage xmlns:n="urn:n"><n:Topic>{topic}</n:Topic><n:Message><t:Message '
        'xmlns:t="urn:t" UtcTime="x" '
        f'PropertyOperation="{operation}"><t:Source><t:SimpleItem Name="Rule" '
        'Value="r"/></t:Source>'
        '<t:Data><t:SimpleItem Name="IsMotion" '
        f'Value="{value}"/></t:Data></t:Message></n:Message></n:NotificationMessage>'
    )


@dataclass
class OnvifDevice:
    """`http_login`: requires HTTP digest in addition to the token. `ahead_s`: its clock less ours.
    `said`: the next answer's messages.
    """

    http_login: bool = False
    ahead_s: float = 0.0
    has_renew: bool = True
    event_host: str = ""
    answer: bytes | None = None
    """To everything, in place of what is right."""
    said: queue.Queue[str] = field(default_factory=queue.Queue)
    asked: list[str] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    is_subscribed: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def reply(self, path: str, body: bytes, authorization: str) -> tuple[int, str]:
        root = Tree.fromstring(body)
        what = str(root[1][0].tag).rpartition("}")[2]
        self.asked.append(what)
        if what != "GetSystemDateAndTime":
            if self.http_login and not _http_digest(authorization, path):
                return 401, ""
            if not self._token_is_right(root):
                return 400, _FAULT.format("NotAuthorized")
        return self._say(what, root)

    def _say(self, what: str, root: Tree.Element) -> tuple[int, str]:
        if what == "GetSystemDateAndTime":
            now = datetime.now(UTC) + timedelta(seconds=self.ahead_s)
            time = (
                f"<Hour>{now.hour}</Hour><Minute>{now.minute}</Minute><Second>{now.second}</Second>"
            )
            date = f"<Year>{now.year}</Year><Month>{now.month}</Month><Day>{now.day}</Day>"
            return 200, f"<UTCDateTime><Time>{time}</Time><Date>{date}</Date></UTCDateTime>"
        address = f"http://{self.event_host or f'127.0.0.1:{self.port}'}"
        if what == "GetCapabilities":
            return (
                200,
                f"<Capabilities><Events><XAddr>{address}/onvif/events</XAddr></Events></Capabilities>",
            )
        if what == "CreatePullPointSubscription":
            self.is_subscribed.set()
            return 200, (
                "<SubscriptionReference "
                f'xmlns:d="urn:d"><Address>{address}/onvif/sub?Idx=1</Address>'
                "<ReferenceParameters><d:Id>7</d:Id></ReferenceParameters></SubscriptionReference>"
            )
        if (
            not self.is_subscribed.is_set()
            or root[0].find("{urn:d}Id") is None
            or (what == "Renew" and not self.has_renew)
        ):
            return 400, _FAULT.format("InvalidArgVal")
        if what == "Unsubscribe":
            self.is_subscribed.clear()
        return 200, self._next() if what == "PullMessages" else ""

    def _next(self) -> str:
        try:
            return self.said.get(timeout=0.2)
        except queue.Empty:
            return ""

    def _token_is_right(self, root: Tree.Element) -> bool:
        found = {str(one.tag).rpartition("}")[2]: one.text or "" for one in root.iter()}
        if "Nonce" not in found or found["Nonce"] in self.nonces:
            return False
        self.nonces.add(found["Nonce"])
        digest = b64encode(
            sha1(b64decode(found["Nonce"]) + (found["Created"] + PASSWORD).encode()).digest()
        ).decode()
        off_s = (
            datetime.fromisoformat(found["Created"]) - datetime.now(UTC)
        ).total_seconds() - self.ahead_s
        return found["Username"] == USER and found["Password"] == digest and abs(off_s) < 5


def _http_digest(header: str, path: str) -> bool:
    def hashed(text: str) -> str:
        return md5(text.encode()).hexdigest()

    return (
        hashed(f"{hashed(f'{USER}:{REALM}:{PASSWORD}')}:{NONCE}:{hashed(f'POST:{path}')}") in header
    )


@contextmanager
def serving(device: OnvifDevice) -> Iterator[OnvifDevice]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, said = device.reply(self.path, body, self.headers.get("Authorization", ""))
            answer = (
                '<S:Envelope xmlns:S="urn:s" '
                f'xmlns:ter="urn:e"><S:Body>{said}</S:Body></S:Envelope>'
            ).encode()
            answer = answer if device.answer is None else device.answer
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", f'Digest realm="{REALM}", nonce="{NONCE}"')
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    device.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield device
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
