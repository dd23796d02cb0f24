"""A viewer of live video for tests: it reads messages, and takes fragments apart."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from domain.clock import NS_PER_S
from domain.people import Role
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import Site

NTP_EPOCH_S = 2_208_988_800
Json = dict[str, Any]


@dataclass(frozen=True)
class Fragment:
    """One fragment as a player receives it."""

    sequence: int
    wall_ns: int
    media_s: float
    data: bytes


def fragments_in(data: bytes) -> list[Fragment]:
    """Split a binary message at its `prft` boxes."""
    found, at = [], 0
    while at < len(data):
        size, name, _, _, seconds, rest, media = struct.unpack_from(">I4sIIIIQ", data, at)
        assert name == b"prft", name
        moof = at + size
        moof_bytes, moof_name = struct.unpack_from(">I4s", data, moof)
        assert moof_name == b"moof"
        mdat = moof + moof_bytes
        end = mdat + int.from_bytes(data[mdat : mdat + 4], "big")
        (sequence,) = struct.unpack_from(">I", data, moof + 20)
        wall_ns = (seconds - NTP_EPOCH_S) * NS_PER_S + round(rest * NS_PER_S / (1 << 32))
        found.append(Fragment(sequence, wall_ns, media / 90_000, data[at:end]))
        at = end
    return found


@dataclass
class Viewer:
    """One connection. `read_until` reads messages until a condition holds."""

    connection: ClientConnection
    texts: list[Json] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    fragments: list[Fragment] = field(default_factory=list)
    sound: bytes = b""
    """The initialisation segment of the sound, and its fragments."""
    closed: tuple[int, str] | None = None
    """The close code and its reason, once the connection is closed."""
    _expects_head: bool = False
    _expects_sound_head: bool = False

    def read_until(self, holds: Callable[[Viewer], object]) -> None:
        """Fails if the connection ends before the condition holds."""
        while not holds(self):
            assert self.read_one(), f"closed with {self.closed}: {self.texts[-1:]}"

    def read_to_end(self) -> None:
        while self.read_one():
            """Read on."""

    def read_one(self) -> bool:
        """Read a message; return False if the connection is closed."""
        try:
            message = self.connection.recv(PATIENCE_S)
        except ConnectionClosed as error:
            # Without a close frame, the connection was lost (1006).
            self.closed = (1006, "") if error.rcvd is None else (error.rcvd.code, error.rcvd.reason)
            return False
        if isinstance(message, str):
            self.texts.append(json.loads(message))
            self._expects_head = self.texts[-1]["type"] == "init"
            self._expects_sound_head = self.texts[-1]["type"] == "sound_init"
        elif self._expects_sound_head or message[4:8] == b"moof":
            self.sound += message
            self._expects_sound_head = False
        elif self._expects_head:
            self.heads.append(message)
            self._expects_head = False
        else:
            self.fragments += fragments_in(message)
        return True

    def of_type(self, name: str) -> list[Json]:
        return [text for text in self.texts if text["type"] == name]

    @property
    def sequences(self) -> list[int]:
        return [one.sequence for one in self.fragments]


@contextmanager
def watching(site: Site, path: str, role: Role = Role.OPERATOR, **headers: str) -> Iterator[Viewer]:
    """Open a WebSocket as a person of `role`; header names have underscores."""
    own = {"Authorization": f"Bearer {site.tokens[role]}", "X-Reason": "a test"}
    own |= {name.replace("_", "-"): value for name, value in headers.items()}
    with opened(site, path, own) as viewer:
        yield viewer


@contextmanager
def opened(site: Site, path: str, headers: dict[str, str]) -> Iterator[Viewer]:
    """Open a WebSocket of a site with these headers."""
    with viewing(site.url.replace("http", "ws") + path, headers) as viewer:
        yield viewer


@contextmanager
def viewing(address: str, headers: dict[str, str]) -> Iterator[Viewer]:
    """Open a WebSocket at an address."""
    with connect(
        address,
        additional_headers=headers,
        proxy=None,
        compression=None,
        max_size=None,
        open_timeout=PATIENCE_S,
        close_timeout=PATIENCE_S,
        ping_interval=None,
    ) as connection:
        yield Viewer(connection)


def refused(site: Site, path: str, headers: dict[str, str]) -> tuple[int, Json]:
    """Return the status and the problem with which a handshake is refused."""
    try:
        with opened(site, path, headers):
            raise AssertionError("the handshake was accepted")
    except InvalidStatus as error:
        body = error.response.body
        assert body is not None
        return error.response.status_code, json.loads(bytes(body))
