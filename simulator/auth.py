"""Basic and digest authentication as RTSP cameras ask for it (RFC 2617; MD5 without qop is what
they all speak).
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from binascii import Error as Base64Error
from hashlib import md5

from simulator.plan import SimulatorLogin

REALM = "simulator"
_FIELD = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


def challenges(nonce: str) -> tuple[str, ...]:
    """The WWW-Authenticate headers of a 401."""
    return (f'Digest realm="{REALM}", nonce="{nonce}", algorithm=MD5', f'Basic realm="{REALM}"')


def is_authorised(header: str, method: str, login: SimulatorLogin, nonce: str) -> bool:
    """Whether an Authorization header proves `login`."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "basic":
        return hmac.compare_digest(_decoded(rest), f"{login.user}:{login.password}".encode())
    if scheme.lower() != "digest":
        return False
    fields = {name.lower(): quoted or bare for name, quoted, bare in _FIELD.findall(rest)}
    if fields.get("username") != login.user or fields.get("nonce") != nonce:
        return False
    expected = digest(login, method, fields.get("uri", ""), nonce)
    return hmac.compare_digest(fields.get("response", "").encode(), expected.encode())


def digest(login: SimulatorLogin, method: str, uri: str, nonce: str) -> str:
    """The response of RFC 2069, which RFC 2617 keeps for challenges without qop."""
    return _md5(
        f"{_md5(f'{login.user}:{REALM}:{login.password}')}:{nonce}:{_md5(f'{method}:{uri}')}"
    )


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text.strip(), validate=True)
    except Base64Error:
        return b""
