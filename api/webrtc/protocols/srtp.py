"""Protects RTP and RTCP by SRTP (RFC 3711, RFC 7714). The adapter of libsrtp.

AES-GCM for RTP is done by OpenSSL directly, which costs less for each packet than a call of libsrtp
through Python. RTCP is rare, so libsrtp does it with every profile.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import pylibsrtp
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import BadInput

RTP_HEADER = struct.Struct(">BBHII")
"""Flags, marker and payload type, sequence number, timestamp, SSRC."""
RTP_VERSION, RTP_EXTENDED, RTP_MARKER = 0x80, 0x10, 0x80
_LABEL_KEY, _LABEL_SALT = 0, 2


class SrtpProfile(StrEnum):
    """The protection profiles, by their names in OpenSSL. The best one is first."""

    AES_128_GCM = "SRTP_AEAD_AES_128_GCM"
    AES_128_CM = "SRTP_AES128_CM_SHA1_80"

    @property
    def key_bytes(self) -> int:
        return 16

    @property
    def salt_bytes(self) -> int:
        return 12 if self is SrtpProfile.AES_128_GCM else 14


_LIBSRTP = {
    SrtpProfile.AES_128_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    SrtpProfile.AES_128_CM: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """The master keys of both directions, each followed by its salt."""

    profile: SrtpProfile
    sending: bytes
    receiving: bytes


@dataclass(frozen=True, slots=True)
class RtpHead:
    """What the headers of all packets of one picture have in common."""

    payload_type: int
    stamp: int
    """The timestamp, of 32 bits."""
    ssrc: int
    extension: bytes = b""
    """The header extension (RFC 8285), or nothing. A packet that is sent again must have the same
    one: its nonce is the same, and AES-GCM would otherwise reveal its key of authentication.
    """

    def header(self, sequence: int, is_last: bool) -> bytes:
        """Return the header of one packet."""
        flags = RTP_VERSION | RTP_EXTENDED if self.extension else RTP_VERSION
        kind = self.payload_type | RTP_MARKER if is_last else self.payload_type
        packed = RTP_HEADER.pack(flags, kind, sequence & 0xFFFF, self.stamp, self.ssrc)
        return packed + self.extension


class RtpProtection(Protocol):
    def protect(self, payloads: Sequence[bytes], first: int, head: RtpHead, /) -> list[bytes]:
        """Return the protected packets of one picture, of which the last has the marker. `first` is
        the sequence number of the first, with the rollover counter (ROC) above it. The same packets
        may be protected again.
        """

    def protect_again(self, header: bytes, payload: bytes, sequence: int, /) -> bytes:
        """Return one packet as `protect` has returned it."""


def rtp_protection(keys: SrtpKeys) -> RtpProtection:
    if keys.profile is SrtpProfile.AES_128_GCM:
        return GcmProtection(keys.sending)
    return LibsrtpProtection(keys)


class GcmProtection:
    """AEAD_AES_128_GCM (RFC 7714)."""

    def __init__(self, master: bytes) -> None:
        key, salt = master[:16], master[16:28]
        self._aead = AESGCM(_derived(key, salt, _LABEL_KEY, 16))
        self._salt = int.from_bytes(_derived(key, salt, _LABEL_SALT, 12), "big")

    def protect(self, payloads: Sequence[bytes], first: int, head: RtpHead) -> list[bytes]:
        # A viewer costs as much as this loop, so it calls nothing of ours.
        stamp, ssrc, extension = head.stamp, head.ssrc, head.extension
        encrypt, pack, base = self._aead.encrypt, RTP_HEADER.pack, self._salt ^ ssrc << 48
        flags = RTP_VERSION | RTP_EXTENDED if extension else RTP_VERSION
        kind = head.payload_type
        last, found = first + len(payloads) - 1, []
        for sequence, payload in enumerate(payloads, first):
            if sequence == last:
                kind |= RTP_MARKER
            header = pack(flags, kind, sequence & 0xFFFF, stamp, ssrc) + extension
            nonce = (base ^ sequence).to_bytes(12, "big")
            found.append(header + encrypt(nonce, payload, header))
        return found

    def protect_again(self, header: bytes, payload: bytes, sequence: int) -> bytes:
        nonce = self._salt ^ int.from_bytes(header[8:12], "big") << 48 ^ sequence
        return header + self._aead.encrypt(nonce.to_bytes(12, "big"), payload, header)


def _derived(key: bytes, salt: bytes, label: int, size_bytes: int) -> bytes:
    """Derive a session key (RFC 3711, 4.3.3; the salt is shifted as RFC 7714, 11, says)."""
    start = int.from_bytes(salt + bytes(4), "big") ^ label << 64
    encryptor = Cipher(algorithms.AES(key), modes.CTR(start.to_bytes(16, "big"))).encryptor()
    return encryptor.update(bytes(size_bytes))


class LibsrtpProtection:
    """AES_CM_128_HMAC_SHA1_80, which every WebRTC peer has."""

    def __init__(self, keys: SrtpKeys) -> None:
        self._session = _session(keys, is_sending=True)

    def protect(self, payloads: Sequence[bytes], first: int, head: RtpHead) -> list[bytes]:
        last = first + len(payloads) - 1
        return [
            self.protect_again(head.header(sequence, sequence == last), payload, sequence)
            for sequence, payload in enumerate(payloads, first)
        ]

    def protect_again(self, header: bytes, payload: bytes, sequence: int) -> bytes:
        return self._session.protect(header + payload)


class SrtcpSession:
    """Protects what is sent as RTCP, and verifies what is received."""

    def __init__(self, keys: SrtpKeys) -> None:
        self._sending = _session(keys, is_sending=True)
        self._receiving = _session(keys, is_sending=False)

    def protect(self, packet: bytes) -> bytes:
        return self._sending.protect_rtcp(packet)

    def unprotect(self, packet: bytes) -> bytes:
        """Return the packet as its sender made it. Raises BadInput if it is not authentic."""
        try:
            return self._receiving.unprotect_rtcp(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise BadInput("a packet of RTCP is not authentic: {error}", error=error) from error


def _session(keys: SrtpKeys, is_sending: bool) -> pylibsrtp.Session:
    direction = "OUTBOUND" if is_sending else "INBOUND"
    policy = pylibsrtp.Policy(
        key=keys.sending if is_sending else keys.receiving,
        ssrc_type=getattr(pylibsrtp.Policy, f"SSRC_ANY_{direction}"),
        srtp_profile=_LIBSRTP[keys.profile],
    )
    policy.allow_repeat_tx = True
    policy.window_size = 1024
    return pylibsrtp.Session(policy)
