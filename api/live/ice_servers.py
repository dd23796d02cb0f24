"""The TURN server that a WebRTC player may use, as a `Link` header (draft-ietf-wish-whep-03, 4.6).

Its credentials are valid for hours and made from a secret that the TURN server has, too
(draft-uberti-behave-turn-rest-00; coturn calls it `static-auth-secret`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from domain.clock import NS_PER_S
from domain.settings import Settings

VALID_S = 12 * 3600


def ice_server_link(settings: Settings, now_ns: int) -> str | None:
    """Return the value of the header; None for a site without a TURN server."""
    if not settings.webrtc_turn:
        return None
    link = f'<{settings.webrtc_turn}>; rel="ice-server"'
    if settings.webrtc_turn_secret is None:
        return link
    name = f"{now_ns // NS_PER_S + VALID_S}:sightline"
    secret = settings.webrtc_turn_secret.get_secret_value().encode()
    credential = base64.b64encode(hmac.digest(secret, name.encode(), hashlib.sha1)).decode()
    return f'{link}; username="{name}"; credential="{credential}"; credential-type="password"'
