"""This server's end of ICE for one viewer (RFC 8445, ICE-lite): credentials, and checked paths."""

from __future__ import annotations

import secrets

from api.webrtc.protocols import stun
from api.webrtc.sdp import IceCredentials
from api.webrtc.udp_socket import UdpPath
from domain.clock import Clock

CONSENT_S = 10.0
"""A viewer that sends no valid check for so long has vanished (RFC 7675: at most 30 s)."""
MAX_PATHS = 8


class IceSession:
    """Only the event loop of the server may use it."""

    def __init__(self, peer_name: str, clock: Clock) -> None:
        self.credentials = new_credentials()
        self.restarted: IceCredentials | None = None
        """The credentials after a restart of ICE, until the viewer uses them."""
        self.peer_name = peer_name
        """The user name fragment of the viewer."""
        self.path: UdpPath | None = None
        """Where datagrams are sent; None before the first valid check."""
        self._clock = clock
        self._paths: set[tuple[str | int, ...]] = set()
        self._checked_s = clock.monotonic_s()

    @property
    def has_consent(self) -> bool:
        """Whether the viewer has sent a valid check within the last seconds."""
        return self._clock.monotonic_s() - self._checked_s <= CONSENT_S

    def answer(self, check: stun.IceCheck, path: UdpPath) -> bytes | None:
        """Return the answer to a connectivity check; None if it is not authentic, or if the viewer
        has used too many paths.
        """
        restarted = self.restarted
        is_of_restart = restarted is not None and check.to == restarted.name
        credentials = restarted if restarted is not None and is_of_restart else self.credentials
        if not check.is_signed_with(credentials.password):
            return None
        if path.raw not in self._paths and len(self._paths) >= MAX_PATHS:
            return None
        if is_of_restart:
            self.credentials, self.restarted = credentials, None
        self._checked_s = self._clock.monotonic_s()
        self._paths.add(path.raw)
        if self.path is None or check.nominates:
            self.path = path
        return stun.success(check, path.host, path.port, credentials.password)


def new_credentials() -> IceCredentials:
    """Return random credentials of this end of ICE (RFC 8445, 5.3)."""
    return IceCredentials(secrets.token_hex(8), secrets.token_hex(16))
