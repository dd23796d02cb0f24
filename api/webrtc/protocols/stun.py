"""The connectivity checks of ICE that a viewer sends (RFC 8489, RFC 8445). Pure.

This server is an ICE-lite agent: it answers checks and sends none.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from domain.errors import BadInput

_HEAD = struct.Struct(">HHI12s")
_COOKIE = 0x2112A442
_REQUEST, _SUCCESS = 0x0001, 0x0101
_USERNAME, _INTEGRITY, _USE_CANDIDATE = 0x0006, 0x0008, 0x0025
_XOR_ADDRESS, _FINGERPRINT = 0x0020, 0x8028
_FINGERPRINT_XOR = 0x5354554E
_INTEGRITY_BYTES, _FINGERPRINT_BYTES = 24, 8


@dataclass(frozen=True, slots=True)
class IceCheck:
    """A connectivity check. It is authentic only if `is_signed_with` says so."""

    transaction: bytes
    to: str
    """The user name fragment of this server's session."""
    nominates: bool
    """Whether the viewer has chosen this path."""
    signed: bytes
    """The part of the message that is signed."""
    signature: bytes

    def is_signed_with(self, password: str) -> bool:
        return hmac.compare_digest(self.signature, _signature(self.signed, password))


def read_check(data: bytes) -> IceCheck:
    """Read a binding request. Raises BadInput for any other message."""
    if len(data) < _HEAD.size:
        raise BadInput("a message of STUN is cut off")
    kind, size_bytes, cookie, transaction = _HEAD.unpack_from(data)
    if cookie != _COOKIE or size_bytes != len(data) - _HEAD.size or size_bytes % 4:
        raise BadInput("a message of STUN is damaged")
    if kind != _REQUEST:
        raise BadInput("a message of STUN is no binding request")
    name, nominates = "", False
    for attribute, at, value in _attributes(data):
        if attribute == _USERNAME:
            name = value.decode("utf-8", "replace")
        elif attribute == _USE_CANDIDATE:
            nominates = True
        elif attribute == _INTEGRITY:
            signed = _with_length(data[:at], _INTEGRITY_BYTES)
            return IceCheck(transaction, name.partition(":")[0], nominates, signed, value)
    raise BadInput("a message of STUN is not signed")


def _attributes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the type, the position and the value of each attribute."""
    at = _HEAD.size
    while at + 4 <= len(data):
        kind, size_bytes = struct.unpack_from(">HH", data, at)
        if at + 4 + size_bytes > len(data):
            raise BadInput("an attribute of STUN is cut off")
        yield kind, at, data[at + 4 : at + 4 + size_bytes]
        at += 4 + size_bytes + -size_bytes % 4


def success(check: IceCheck, host: str, port: int, password: str) -> bytes:
    """Return the answer to a check that arrived from `host` and `port`."""
    head = _HEAD.pack(_SUCCESS, 0, _COOKIE, check.transaction)
    message = head + _attribute(_XOR_ADDRESS, _xor_address(host, port, check.transaction))
    signature = _signature(_with_length(message, _INTEGRITY_BYTES), password)
    message += _attribute(_INTEGRITY, signature)
    checksum = zlib.crc32(_with_length(message, _FINGERPRINT_BYTES)) ^ _FINGERPRINT_XOR
    message += _attribute(_FINGERPRINT, checksum.to_bytes(4, "big"))
    return _with_length(message, 0)


def _with_length(message: bytes, further_bytes: int) -> bytes:
    """Set the length in the header to what it is with `further_bytes` more."""
    size_bytes = len(message) - _HEAD.size + further_bytes
    return message[:2] + size_bytes.to_bytes(2, "big") + message[4:]


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _signature(message: bytes, password: str) -> bytes:
    return hmac.digest(password.encode(), message, hashlib.sha1)


def _xor_address(host: str, port: int, transaction: bytes) -> bytes:
    address = ipaddress.ip_address(host)
    mask = _COOKIE.to_bytes(4, "big") + transaction
    family = 1 if address.version == 4 else 2
    hidden = bytes(a ^ b for a, b in zip(address.packed, mask, strict=False))
    return struct.pack(">BBH", 0, family, port ^ _COOKIE >> 16) + hidden
