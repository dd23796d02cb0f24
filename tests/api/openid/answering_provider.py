"""What a provider answers, as far as a test does not change that, and the keys that sign it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from joserfc import jwk

from api.openid.metadata import ProviderMetadata

if TYPE_CHECKING:
    pass


FIRST, SECOND = (jwk.RSAKey.generate_key(2048, {"kid": name}) for name in ("first", "second"))


@dataclass
class Answers:
    """What the server of a test answers, by path, and what it was asked."""

    url: str = ""
    pages: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    """Headers of every answer."""
    pause: Callable[[], None] = lambda: None
    """What happens while half of an answer is sent."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Path, `Authorization` and body."""

    def put(self, path: str, content: Any, status: int = 200) -> None:
        self.pages[path] = (status, json.dumps(content).encode())

    def count(self, path: str) -> int:
        return sum(one[0] == path for one in self.asked)

    def metadata(self, **changes: Any) -> dict[str, Any]:
        paths = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return (
            {"issuer": self.url} | {name: self.url + path for name, path in paths.items()} | changes
        )


def handler_of(answers: Answers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            answers.asked.append((self.path, self.headers.get("Authorization", ""), body))
            status, content = answers.pages.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.end_headers()
            half = len(content) // 2
            self.wfile.write(content[:half])
            answers.pause()
            self.wfile.write(content[half:])

        do_POST = do_GET

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Print nothing."""

    return Handler


TOKENS = {"id_token": "i", "access_token": "a", "token_type": "Bearer", "expires_in": 300}


def metadata_of(answers: Answers, *methods: str) -> ProviderMetadata:
    changes = {"token_endpoint_auth_methods_supported": methods} if methods else {}
    return ProviderMetadata.model_validate(answers.metadata(**changes))
