"""Offers and answers of WebRTC viewers. The adapter of aiortc, whose parser reads the offers.

The answer accepts one section of video with one payload type of H.264, and, if the viewer is sent
sound, one section of audio with G.711. Other sections are refused in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from aiortc.sdp import MediaDescription, SessionDescription

from api.webrtc.protocols.dtls import Fingerprint, is_supported
from api.webrtc.sound_stream import SOUND_HZ, Encoding
from domain.errors import BadInput

_MAX_LINES = 600
"""Browsers send up to some hundreds. The parser takes quadratic time for repeated lines."""
_MAX_SECTIONS = 16
_TOKEN = re.compile(r"[!-~]{1,64}")
_HOST_PRIORITY = 126 << 24 | 65535 << 8 | 255
"""The priority of a host candidate (RFC 8445, 5.1.2.1)."""
_PREFERRED_PROFILES = ("42e0", "4200", "4d00", "6400", "640c")
_G711: dict[Encoding, int] = {"PCMA": 8, "PCMU": 0}
"""The encodings of sound, and their static payload types."""
SEND_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
_REMB = "goog-remb"
_LINE_END = "\r\n"
_HEX_PAIRS = re.compile("[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """The user name fragment and the password of one end of ICE."""

    name: str
    password: str


@dataclass(frozen=True, slots=True)
class MediaSection:
    """One media section of an offer, in order."""

    kind: str
    protocol: str
    formats: tuple[str, ...]
    mid: str


@dataclass(frozen=True, slots=True)
class SdpOffer:
    """What this server uses of an offer."""

    sections: tuple[MediaSection, ...]
    video: int
    """The position of the section that gets the video."""
    payload_type: int
    profile: str
    """The `profile-level-id` of that payload type."""
    feedback: tuple[str, ...]
    fingerprint: Fingerprint
    ice_name: str
    """The user name fragment of the viewer's end of ICE."""
    sound: int | None = None
    """The position of the section that can get sound."""
    sound_types: Mapping[Encoding, int] = field(default_factory=dict)
    """The payload types of that section."""
    send_time_id: int | None = None
    """The number of the header extension abs-send-time, if the viewer reports its estimate of the
    path by REMB; None if it does not.
    """


@dataclass(frozen=True, slots=True)
class SdpAnswer:
    """What this server answers to an offer."""

    credentials: IceCredentials
    fingerprint: Fingerprint
    hosts: Sequence[str]
    port: int
    ssrc: int
    stream: str
    """The name of the stream for the player."""
    sound_ssrc: int | None = None
    """The source of the sound; None if the viewer is sent none."""


def read_offer(text: str) -> SdpOffer:
    """Read an offer. Raises BadInput, which says what is missing, if it cannot be answered."""
    described = _parsed(text)
    sections = tuple(_section(media) for media in described.media)
    for at, media in enumerate(described.media):
        if media.kind == "video" and _receives(media):
            return _with_sound(_offer(sections, at, media), described)
    raise BadInput("the SDP offer has no section of video that receives (a=recvonly)")


def _parsed(text: str) -> SessionDescription:
    lines = text.splitlines()
    if len(lines) > _MAX_LINES:
        raise BadInput("the SDP offer has more than {max_lines} lines", max_lines=_MAX_LINES)
    if not text.startswith("v=0"):
        raise BadInput("the body is no SDP offer: it does not begin with v=0")
    # Each section gets the attributes of the session, so their number is checked before.
    if not 0 < sum(line.startswith("m=") for line in lines) <= _MAX_SECTIONS:
        raise BadInput(
            "an SDP offer has 1 to {max_sections} media sections", max_sections=_MAX_SECTIONS
        )
    try:
        return SessionDescription.parse(text)
    except (
        ValueError,
        LookupError,
        AssertionError,
        AttributeError,
        TypeError,
        StopIteration,
    ) as error:
        # aiortc's parser has no exception of its own.
        raise BadInput(
            "the SDP offer cannot be read ({kind}: {error}); send the one that "
            "RTCPeerConnection.createOffer() returns",
            kind=type(error).__name__,
            error=error,
        ) from error


def _section(media: MediaDescription) -> MediaSection:
    section = MediaSection(
        media.kind, media.profile, tuple(map(str, media.fmt)), media.rtp.muxId or ""
    )
    for name in (section.kind, section.mid or "0", *section.formats):
        if not _TOKEN.fullmatch(name):
            raise BadInput("the SDP offer has a name that is no token")
    return section


def _offer(sections: tuple[MediaSection, ...], video: int, media: MediaDescription) -> SdpOffer:
    if media.dtls is None or media.dtls.role == "server":
        raise BadInput("the SDP offer must have a=setup:actpass or a=setup:active")
    prints = [Fingerprint(one.algorithm.lower(), one.value) for one in media.dtls.fingerprints]
    supported = [one for one in prints if is_supported(one) and _HEX_PAIRS.fullmatch(one.value)]
    if not supported:
        raise BadInput("the SDP offer has no a=fingerprint of sha-256, sha-384 or sha-512")
    if not media.rtcp_mux:
        raise BadInput("the SDP offer must have a=rtcp-mux: video has one port")
    codecs = [
        codec
        for codec in media.rtp.codecs
        if codec.name.upper() == "H264"
        and str(codec.parameters.get("packetization-mode", "")) == "1"
        and codec.payloadType is not None
        and 0 <= codec.payloadType < 128
    ]
    if not codecs:
        raise BadInput(
            "the SDP offer has no H.264 with packetization-mode=1, which is the only form that "
            "cameras are shown in by WebRTC; the WebSocket of the camera needs none"
        )
    codec = min(codecs, key=lambda one: _rank(str(one.parameters.get("profile-level-id", ""))))
    feedback = [f"{one.type} {one.parameter or ''}".strip() for one in codec.rtcpFeedback]
    profile = str(codec.parameters.get("profile-level-id", "42e01f"))
    if not re.fullmatch("[0-9A-Fa-f]{6}", profile):
        raise BadInput("a profile-level-id in the SDP offer is not six hexadecimal digits")
    return SdpOffer(
        sections,
        video,
        codec.payloadType or 0,
        profile,
        tuple(one for one in ("nack", "nack pli", "ccm fir") if one in feedback),
        supported[0],
        (media.ice and media.ice.usernameFragment) or "",
        send_time_id=_send_time_id(media) if _REMB in feedback else None,
    )


def _send_time_id(media: MediaDescription) -> int | None:
    """Return the number of abs-send-time. One of more than 14 needs the longer form of header
    extensions (RFC 8285, 4.3), which is not used.
    """
    return next(
        (
            one.id
            for one in media.rtp.headerExtensions
            if one.uri == SEND_TIME_URI and 1 <= one.id <= 14
        ),
        None,
    )


def _receives(media: MediaDescription) -> bool:
    return media.direction in ("recvonly", "sendrecv", None)


def _with_sound(offer: SdpOffer, described: SessionDescription) -> SdpOffer:
    """Add the first section of sound that receives G.711 over the transport of the video."""
    video = offer.sections[offer.video].mid
    bundled = next(
        (set(one.items) for one in described.group if one.semantic == "BUNDLE"), set[str]()
    )
    for at, media in enumerate(described.media):
        types = _sound_types(media)
        is_bundled = {video, offer.sections[at].mid} <= bundled
        if media.kind == "audio" and _receives(media) and is_bundled and types:
            return replace(offer, sound=at, sound_types=types)
    return offer


def _sound_types(media: MediaDescription) -> dict[Encoding, int]:
    """Return the payload types of G.711. The static ones need no rtpmap (RFC 3551, 6)."""
    mapped = {codec.payloadType: codec for codec in media.rtp.codecs}
    found: dict[Encoding, int] = {}
    for number in media.fmt:
        if not (isinstance(number, int) and 0 <= number < 128):
            continue
        codec = mapped.get(number)
        for encoding, static in _G711.items():
            is_mapped = (
                codec is not None
                and codec.name.upper() == encoding
                and (codec.clockRate, codec.channels or 1) == (SOUND_HZ, 1)
            )
            is_static = codec is None and number == static
            if is_mapped or is_static:
                found.setdefault(encoding, number)
    return found


def _rank(profile: str) -> int:
    """Return the rank of a profile. A browser decodes any profile under any of its payload types,
    because the stream's own parameter sets decide.
    """
    known = [profile.lower().startswith(one) for one in _PREFERRED_PROFILES]
    return known.index(True) if True in known else len(known)


def write_answer(offer: SdpOffer, answer: SdpAnswer) -> str:
    """Return the answer as SDP."""
    lines = [
        "v=0",
        f"o=- {answer.ssrc} 1 IN IP4 0.0.0.0",
        "s=Sightline",
        "t=0 0",
        "a=ice-lite",
        *([f"a=group:BUNDLE {' '.join(mids)}"] if (mids := _bundled(offer, answer)) else []),
        f"a=msid-semantic: WMS {answer.stream}",
    ]
    for at, section in enumerate(offer.sections):
        if at == offer.video:
            lines += _accepted(offer, section, answer)
        elif at == offer.sound and answer.sound_ssrc is not None:
            lines += _accepted_sound(offer, section, answer, answer.sound_ssrc)
        else:
            lines += _refused(section)
    return _LINE_END.join([*lines, ""])


def _bundled(offer: SdpOffer, answer: SdpAnswer) -> list[str]:
    accepted = {offer.video} | ({offer.sound} if answer.sound_ssrc is not None else set())
    return [one.mid for at, one in enumerate(offer.sections) if at in accepted and one.mid]


def _refused(section: MediaSection) -> list[str]:
    lines = [
        f"m={section.kind} 0 {section.protocol} {' '.join(section.formats)}",
        "c=IN IP4 0.0.0.0",
    ]
    return [*lines, *([f"a=mid:{section.mid}"] if section.mid else []), "a=inactive"]


def _accepted(offer: SdpOffer, section: MediaSection, answer: SdpAnswer) -> list[str]:
    number = offer.payload_type
    feedback = offer.feedback if offer.send_time_id is None else (*offer.feedback, _REMB)
    extension = [] if offer.send_time_id is None else [f"{offer.send_time_id} {SEND_TIME_URI}"]
    return [
        f"m=video 9 {section.protocol} {number}",
        *_direction(section),
        f"a=msid:{answer.stream} video",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a=rtpmap:{number} H264/90000",
        f"a=fmtp:{number} level-asymmetry-allowed=1;packetization-mode=1;"
        f"profile-level-id={offer.profile}",
        *(f"a=rtcp-fb:{number} {one}" for one in feedback),
        *(f"a=extmap:{one}" for one in extension),
        f"a=ssrc:{answer.ssrc} cname:sightline",
        f"a=ssrc:{answer.ssrc} msid:{answer.stream} video",
        *_transport(answer),
    ]


def _accepted_sound(
    offer: SdpOffer, section: MediaSection, answer: SdpAnswer, ssrc: int
) -> list[str]:
    """Both tracks have one stream and one CNAME, so a player keeps them in step."""
    types = offer.sound_types
    return [
        f"m=audio 9 {section.protocol} {' '.join(map(str, types.values()))}",
        *_direction(section),
        f"a=msid:{answer.stream} sound",
        "a=rtcp-mux",
        *(f"a=rtpmap:{number} {encoding}/{SOUND_HZ}" for encoding, number in types.items()),
        f"a=ssrc:{ssrc} cname:sightline",
        f"a=ssrc:{ssrc} msid:{answer.stream} sound",
        *_transport(answer),
    ]


def _direction(section: MediaSection) -> list[str]:
    return [
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        *([f"a=mid:{section.mid}"] if section.mid else []),
        "a=sendonly",
    ]


def _transport(answer: SdpAnswer) -> list[str]:
    return [
        "a=setup:passive",
        f"a=fingerprint:{answer.fingerprint.algorithm} {answer.fingerprint.value}",
        *ice_lines(answer.credentials, answer.hosts, answer.port),
    ]


def ice_lines(credentials: IceCredentials, hosts: Sequence[str], port: int) -> list[str]:
    """Return the lines of the credentials and the candidates, which are all known at once."""
    candidates = [
        f"a=candidate:{number + 1} 1 udp {_HOST_PRIORITY - (number << 8)} {host} {port} typ host"
        for number, host in enumerate(hosts)
    ]
    return [
        f"a=ice-ufrag:{credentials.name}",
        f"a=ice-pwd:{credentials.password}",
        "a=ice-options:trickle",
        *candidates,
        "a=end-of-candidates",
    ]


def read_ice_fragment(text: str) -> IceCredentials | None:
    """Read the credentials of a fragment (RFC 8840): None if it only adds candidates.

    Raises BadInput if it has a half of them.
    """
    found = dict(re.findall(r"^a=(ice-ufrag|ice-pwd):([!-~]{1,256})\r?$", text, re.MULTILINE))
    if not found:
        return None
    if len(found) < 2:
        raise BadInput("the fragment has only one of a=ice-ufrag and a=ice-pwd; send both")
    return IceCredentials(found["ice-ufrag"], found["ice-pwd"])
