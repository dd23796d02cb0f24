"""Basic and digest authentication for RTSP (RFC 7617; RFC 2617 and 7616 with MD5 and SHA-256).
Pure.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import md5, sha256

_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME = re.compile(r"(?:^|,)\s*(Basic|Digest)\s", re.IGNORECASE)
_STRENGTH = {"SHA-256": 2, "SHA-256-SESS": 2, "MD5": 1, "MD5-SESS": 1}
_MAX_CHARACTERS = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """One authentication challenge of a server."""

    realm: str
    is_basic: bool = False
    nonce: str = ""
    opaque: str = ""
    algorithm: str = ""
    """The algorithm as written; empty if the server omits it, which means MD5."""
    has_qop: bool = False
    is_stale: bool = False

    @property
    def strength(self) -> int:
        return 0 if self.is_basic else _STRENGTH.get(self.algorithm.upper() or "MD5", -1)


def strongest_challenge(headers: Iterable[str]) -> Challenge | None:
    """Return the strongest supported challenge of some WWW-Authenticate headers, or None."""
    offered = [
        challenge
        for header in headers
        for challenge in _challenges(header[:_MAX_CHARACTERS])
        if challenge.strength >= 0
    ]
    return max(offered, key=lambda challenge: challenge.strength, default=None)


def _challenges(header: str) -> list[Challenge]:
    starts = [*_SCHEME.finditer(header + " ")]
    ends = [*(match.start() for match in starts), len(header)][1:]
    return [
        _challenge(match[1].lower(), header[match.end() : end])
        for match, end in zip(starts, ends, strict=True)
    ]


def _challenge(scheme: str, text: str) -> Challenge:
    fields = {
        name.lower(): bare or re.sub(r"\\(.)", r"\1", quoted)
        for name, quoted, bare in _PARAMETER.findall(text)
    }
    if scheme == "basic":
        return Challenge(fields.get("realm", ""), is_basic=True)
    qops = [qop.strip().lower() for qop in fields.get("qop", "").split(",")]
    return Challenge(
        fields.get("realm", ""),
        nonce=fields.get("nonce", ""),
        opaque=fields.get("opaque", ""),
        algorithm=fields.get("algorithm", ""),
        has_qop="auth" in qops,
        is_stale=fields.get("stale", "").lower() == "true",
    )


class RtspLogin:
    """Authenticates requests by one challenge."""

    def __init__(self, challenge: Challenge, user: str, password: str, client_nonce: str) -> None:
        self._challenge = challenge
        self._user = user
        self._password = password
        self._client_nonce = client_nonce
        self._count = 0

    def header(self, method: str, url: str) -> str:
        """Return the Authorization header of one request."""
        if self._challenge.is_basic:
            return "Basic " + b64encode(f"{self._user}:{self._password}".encode()).decode()
        self._count += 1
        return self._digest(method, url)

    def _digest(self, method: str, url: str) -> str:
        challenge, count = self._challenge, f"{self._count:08x}"
        hashed = _hash(challenge.algorithm)
        secret = hashed(f"{self._user}:{challenge.realm}:{self._password}")
        if challenge.algorithm.upper().endswith("-SESS"):
            secret = hashed(f"{secret}:{challenge.nonce}:{self._client_nonce}")
        middle = (
            f"{challenge.nonce}:{count}:{self._client_nonce}:auth"
            if challenge.has_qop
            else challenge.nonce
        )
        fields = {
            "username": _quoted(self._user),
            "realm": _quoted(challenge.realm),
            "nonce": _quoted(challenge.nonce),
            "uri": _quoted(url),
            "response": _quoted(hashed(f"{secret}:{middle}:{hashed(f'{method}:{url}')}")),
        }
        if challenge.algorithm:
            fields["algorithm"] = challenge.algorithm
        if challenge.has_qop:
            fields |= {"qop": "auth", "nc": count}
        if challenge.has_qop or challenge.algorithm.upper().endswith("-SESS"):
            fields["cnonce"] = _quoted(self._client_nonce)
        if challenge.opaque:
            fields["opaque"] = _quoted(challenge.opaque)
        return "Digest " + ", ".join(f"{name}={value}" for name, value in fields.items())


def _hash(algorithm: str) -> Callable[[str], str]:
    if algorithm.upper().startswith("SHA-256"):
        return lambda text: sha256(text.encode()).hexdigest()
    return lambda text: md5(text.encode(), usedforsecurity=False).hexdigest()


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
