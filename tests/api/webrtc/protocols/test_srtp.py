"""Protected packets are those that libsrtp reads."""

from __future__ import annotations

import os
import struct

import pylibsrtp
import pytest

from api.webrtc.protocols.srtp import RtpHead, SrtcpSession, SrtpKeys, SrtpProfile, rtp_protection
from domain.errors import BadInput

LIBSRTP = {
    SrtpProfile.AES_128_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    SrtpProfile.AES_128_CM: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}


def keys_of(profile: SrtpProfile) -> SrtpKeys:
    size = profile.key_bytes + profile.salt_bytes
    return SrtpKeys(profile, os.urandom(size), os.urandom(size))


def viewer(keys: SrtpKeys, is_sending: bool = False) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(
        key=keys.receiving if is_sending else keys.sending,
        ssrc_type=(
            pylibsrtp.Policy.SSRC_ANY_OUTBOUND if is_sending else pylibsrtp.Policy.SSRC_ANY_INBOUND
        ),
        srtp_profile=LIBSRTP[keys.profile],
    )
    policy.allow_repeat_tx = True
    return pylibsrtp.Session(policy)


@pytest.mark.parametrize("extension", [b"", bytes.fromhex("bede000132010203")])
@pytest.mark.parametrize("profile", SrtpProfile)
def test_a_viewer_reads_packets_also_after_the_sequence_number_has_wrapped(
    profile: SrtpProfile, extension: bytes
) -> None:
    keys = keys_of(profile)
    protection, receiver = rtp_protection(keys), viewer(keys)
    for first in range(65_500, 65_600, 4):
        payloads = [os.urandom(700) for _ in range(4)]
        packets = protection.protect(payloads, first, RtpHead(102, 7, 0xBEEF, extension))
        for at, packet in enumerate(packets):
            flags, kind = 0x90 if extension else 0x80, 102 | 0x80 * (at == 3)
            header = struct.pack(">BBHII", flags, kind, first + at & 0xFFFF, 7, 0xBEEF)
            assert receiver.unprotect(packet) == header + extension + payloads[at]


@pytest.mark.parametrize("profile", SrtpProfile)
def test_the_same_packet_is_protected_again_in_the_same_way(profile: SrtpProfile) -> None:
    protection = rtp_protection(keys_of(profile))
    payloads = [b"one", b"two", b"three"]
    head = RtpHead(102, 7, 0xBEEF, bytes.fromhex("bede000132010203"))
    packets = protection.protect(payloads, 65_534, head)
    for at, packet in enumerate(packets):
        header = head.header(65_534 + at, is_last=at == 2)
        again = protection.protect_again(header, payloads[at], 65_534 + at)
        assert again == packet
    assert len(set(packets)) == 3


@pytest.mark.parametrize("profile", SrtpProfile)
def test_rtcp_in_both_directions(profile: SrtpProfile) -> None:
    keys = keys_of(profile)
    session = SrtcpSession(keys)
    report = struct.pack(">BBHI", 0x80, 201, 1, 5)
    assert viewer(keys).unprotect_rtcp(session.protect(report)) == report
    sent = viewer(keys, is_sending=True).protect_rtcp(report)
    assert session.unprotect(sent) == report


@pytest.mark.parametrize("profile", SrtpProfile)
def test_rtcp_that_is_not_authentic_is_refused(profile: SrtpProfile) -> None:
    keys = keys_of(profile)
    session = SrtcpSession(keys)
    sent = viewer(keys, is_sending=True).protect_rtcp(struct.pack(">BBHI", 0x80, 201, 1, 5))
    for damaged in (b"", b"\x80", sent[:-1], bytes((sent[0], sent[1] ^ 1)) + sent[2:], bytes(1500)):
        with pytest.raises(BadInput):
            session.unprotect(damaged)
