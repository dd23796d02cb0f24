"""A real OpenID provider, npm's oidc-provider, as a process behind TLS with a CA of the test."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from domain.clock import SystemClock
from sightline.processes.certificates import (
    SERVER,
    CertificateRequest,
    certificate_pem,
    issue,
    key_pem,
    make_authority,
    wall_time,
)
from sightline.processes.ports import free_ports
from tests.waiting import PATIENCE_S

NODE = Path(sys.prefix) / "bin" / "node"
MODULES = Path(sys.prefix) / "typescript" / "node_modules"
SCRIPT = Path(__file__).parent / "provider.mjs"
CLIENT_ID, CLIENT_SECRET = "sightline", "a-secret/of+the%client:with=all&kinds"
_DAY = timedelta(days=1)
_FORM_ACTION = re.compile(r'<form[^>]* action="([^"]+)"')
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_ADDRESSES = (f"127.0.{network}.{host}" for network in range(1, 255) for host in range(1, 255))
ACCOUNTS: dict[str, dict[str, Any]] = {
    "person-7": {
        "preferred_username": "zhang.san",
        "roles": ["staff", "city-investigators"],
        "areas": ["*"],
    },
    "person-8": {
        "preferred_username": "zhang.san",
        "roles": ["city-operators"],
        "areas": ["danjiangkou/junzhou"],
    },
    "visitor": {"preferred_username": "visitor", "roles": ["staff"], "areas": ["*"]},
}
"""Two people have the same name, and one has no role of this site."""


@dataclass(frozen=True)
class TlsFiles:
    """A CA of the test, and a certificate that it signed for loopback."""

    ca: Path
    certificate: Path
    key: Path


def make_tls(folder: Path) -> TlsFiles:
    now = wall_time(SystemClock())
    authority = make_authority(CertificateRequest("a city", _DAY), now)
    server = issue(authority, CertificateRequest("city", _DAY, ("127.0.0.1",), (SERVER,)), now)
    files = TlsFiles(folder / "ca.pem", folder / "tls.pem", folder / "tls.key")
    files.ca.write_text(certificate_pem(authority.certificate))
    files.certificate.write_text(certificate_pem(server.certificate))
    files.key.write_text(key_pem(server.key))
    return files


@dataclass(frozen=True)
class RunningProvider:
    """The provider, and what tests change in it."""

    issuer: str
    ca_file: Path
    process: subprocess.Popen[str]

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))

    def set_accounts(self, **changes: dict[str, Any] | None) -> None:
        """Replace accounts; None removes one."""
        accounts = {name: one for name, one in (ACCOUNTS | changes).items() if one is not None}
        self._control("accounts", accounts)

    def forge(self, **forgery: Any) -> None:
        """Change the id tokens that the provider sends; without arguments, send true ones."""
        self._control("forgery", forgery or None)

    def rotate_keys(self, key_id: str) -> None:
        self._control("keys", {"kid": key_id})

    def sign(self, claims: dict[str, Any], **forgery: str) -> str:
        """Return a token of the provider with any claims."""
        return self._control("sign", {"claims": claims} | forgery)

    def _control(self, what: str, content: object) -> str:
        url = f"{self.issuer}/test/{what}"
        body = json.dumps(content)
        answer = httpx.post(
            url, content=body, verify=self.trust(), trust_env=False, timeout=PATIENCE_S
        )
        answer.raise_for_status()
        return answer.text


@contextmanager
def running_provider(folder: Path, tls: TlsFiles, origin: str) -> Iterator[RunningProvider]:
    """Run a provider whose only client is the site at `origin`, or skip the test."""
    if not (MODULES / "oidc-provider").exists():
        pytest.skip("the packages of npm are absent: run `make install-dev`")
    (port,) = free_ports(1)
    configuration = {
        "port": port,
        "tlsKey": str(tls.key),
        "tlsCertificate": str(tls.certificate),
        "cookieKey": "a key of the cookies of the provider",
        "accounts": ACCOUNTS,
        "client": {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": [f"{origin}/v1/session/openid/callback"],
            "post_logout_redirect_uris": [f"{origin}/"],
            "backchannel_logout_uri": f"{origin}/v1/session/openid/back-channel-logout",
            "backchannel_logout_session_required": True,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        },
    }
    (folder / "configuration.json").write_text(json.dumps(configuration))
    (folder / "node_modules").symlink_to(MODULES)
    (folder / SCRIPT.name).write_text(SCRIPT.read_text("utf-8"))
    log = folder / "provider.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            (NODE, SCRIPT.name, "configuration.json"),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=os.environ | {"NODE_EXTRA_CA_CERTS": str(tls.ca)},
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n", log.read_text()
        yield RunningProvider(f"https://127.0.0.1:{port}", tls.ca, process)
    finally:
        # `node` is a Python program that starts Node, and both must end.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE_S)
        process.stdout.close()


class Visitor:
    """A browser that follows redirects and fills in the forms of the provider.

    Each has an address of its own, because the audit log counts further refusals of one address
    instead of writing a line for each.
    """

    def __init__(self, origin: str, provider: RunningProvider) -> None:
        self.origin = origin
        transport = httpx.HTTPTransport(
            verify=provider.trust(), trust_env=False, local_address=next(_ADDRESSES)
        )
        self.http = httpx.Client(transport=transport, trust_env=False, timeout=PATIENCE_S)

    def start(self, return_to: str = "/") -> str:
        """Begin a sign-in; return the address at the provider."""
        answer = self.http.get(f"{self.origin}/v1/session/openid?return_to={return_to}")
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def authorize(self, url: str, login: str) -> str:
        """Sign in at the provider; return the address of the callback, which is not called."""
        answer = self.http.get(url)
        while True:
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["Location"])
                if target.startswith(self.origin):
                    return target
                answer = self.http.get(target)
                continue
            assert answer.status_code == 200, answer.text
            answer = self.submit(answer, login)

    def submit(self, page: httpx.Response, login: str = "", **fields: str) -> httpx.Response:
        """Submit the first form of a page with its hidden fields, and those that are given."""
        action = _FORM_ACTION.search(page.text)
        assert action is not None, page.text
        hidden = {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}
        typed = {"login": login, "password": "any"} if hidden.get("prompt") == "login" else {}
        url = urljoin(str(page.url), unescape(action[1]))
        return self.http.post(url, data=hidden | typed | fields)

    def sign_in(self, login: str = "person-7", return_to: str = "/") -> httpx.Response:
        """Do all of it; return the answer of the callback."""
        return self.http.get(self.authorize(self.start(return_to), login))

    def session(self) -> httpx.Response:
        return self.http.get(f"{self.origin}/v1/session")

    def change(self, method: str, path: str, **others: Any) -> httpx.Response:
        """Send a change as a page of the site does."""
        headers = {
            "Origin": self.origin,
            "Sec-Fetch-Site": "same-origin",
            "X-CSRF-Token": self.session().json()["csrf_token"],
        }
        return self.http.request(method, self.origin + path, headers=headers, **others)
