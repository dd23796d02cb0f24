"""Parses session descriptions (RFC 8866), as far as the video and the audio of a camera need them.
Pure.

The `a=fmtp` parameters are defined in RFC 6184, 8.1 (H.264), RFC 7798, 7.1 (H.265), and RFC 3640,
4.1 (AAC).
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass

_CODECS = {"h264": "h264", "h265": "hevc", "hevc": "hevc"}
_PLAIN = ("RTP/AVP", "RTP/AVP/TCP", "RTP/AVPF")
_SETS = ("sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps")
_AUDIO_CODECS = {"mpeg4-generic": "aac", "pcma": "pcm_alaw", "pcmu": "pcm_mulaw"}
_STATIC = {0: "pcmu/8000", 8: "pcma/8000"}
"""The static payload types, which need no rtpmap (RFC 3551, 6)."""
_AAC_HBR = {"sizelength": "13", "indexlength": "3", "indexdeltalength": "3"}
_MAX_LINES = 1000


@dataclass(frozen=True, slots=True)
class Video:
    """The first video of a description. `control` and `session_control` are as written, or
    empty.
    """

    codec: str
    """The codec: `h264`, `hevc`, or another encoding's name as written."""
    payload_type: int
    clock_hz: int
    sets: tuple[bytes, ...]
    """The parameter sets as NAL units."""
    is_plain: bool
    """Whether its packets are in decoding order over plain RTP: without interleaved packetisation
    and encryption.
    """
    control: str
    session_control: str


@dataclass(frozen=True, slots=True)
class Audio:
    """The first audio of a description. `control` is as written."""

    codec: str
    """The codec: `aac`, `pcm_alaw`, `pcm_mulaw`, or another encoding's name as written."""
    payload_type: int
    clock_hz: int
    channels: int
    config: bytes
    """The AudioSpecificConfig of AAC."""
    is_supported: bool
    """Whether it is one of the three codecs over plain RTP; AAC must be AAC-hbr with its config."""
    control: str


class _Section:
    """The lines from one `m=` to the next, or those before the first one."""

    def __init__(self, head: str) -> None:
        self.head = head
        self._attributes: list[tuple[str, str]] = []

    def add(self, line: str) -> None:
        name, _, value = line.partition(":")
        self._attributes.append((name.strip().lower(), value.strip()))

    def value(self, name: str, prefix: str = "") -> str:
        """Return the first attribute of that name that begins with `prefix`, without the prefix;
        empty if there is none.
        """
        for own, value in self._attributes:
            if own == name and value.startswith(prefix):
                return value[len(prefix) :].strip()
        return ""


def first_video(text: str) -> Video | None:
    """Return the first video that `text` offers, or None."""
    sections = _sections(text)
    for section in sections[1:]:
        fields = section.head.split()
        if fields and fields[0].lower() == "video" and len(fields) >= 4:
            return _video(section, fields, sections[0].value("control"))
    return None


def first_audio(text: str) -> Audio | None:
    """Return the first audio that `text` offers, or None."""
    for section in _sections(text)[1:]:
        fields = section.head.split()
        if fields and fields[0].lower() == "audio" and len(fields) >= 4:
            return _audio(section, fields)
    return None


def _audio(section: _Section, fields: list[str]) -> Audio:
    payload_type = _number(fields[3], -1)
    mapping = section.value("rtpmap", f"{payload_type} ") or _STATIC.get(payload_type, "")
    name, _, rate = mapping.partition("/")
    rate, _, channels = rate.partition("/")
    parameters = _parameters(section.value("fmtp", f"{payload_type} "))
    codec = _AUDIO_CODECS.get(
        name.strip().lower(), name.strip().lower() or f"payload type {payload_type}"
    )
    config = _from_hex(parameters.get("config", "")) if codec == "aac" else b""
    is_whole = codec != "aac" or (
        len(config) >= 2 and all(parameters.get(key) == value for key, value in _AAC_HBR.items())
    )
    is_supported = codec in _AUDIO_CODECS.values() and fields[2].upper() in _PLAIN and is_whole
    clock_hz = _number(rate, 0) or 8000
    return Audio(
        codec,
        payload_type,
        clock_hz,
        _number(channels, 1) or 1,
        config,
        is_supported,
        section.value("control"),
    )


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _sections(text: str) -> list[_Section]:
    sections = [_Section("")]
    for line in text.splitlines()[:_MAX_LINES]:
        kind, _, rest = line.strip().partition("=")
        if kind == "m":
            sections.append(_Section(rest))
        elif kind == "a":
            sections[-1].add(rest)
    return sections


def _video(section: _Section, fields: list[str], session_control: str) -> Video:
    payload_type = _number(fields[3], -1)
    name, _, rate = section.value("rtpmap", f"{payload_type} ").partition("/")
    parameters = _parameters(section.value("fmtp", f"{payload_type} "))
    encoding = name.strip().lower() or f"payload type {payload_type}"
    is_plain = (
        fields[2].upper() in _PLAIN
        and parameters.get("packetization-mode", "0") in ("", "0", "1")
        and not _number(parameters.get("sprop-max-don-diff", "0"), 1)
    )
    clock_hz = _number(rate.partition("/")[0], 90_000)
    codec = _CODECS.get(encoding, encoding)
    return Video(
        codec,
        payload_type,
        clock_hz or 90_000,
        _sets(parameters),
        is_plain,
        section.value("control"),
        session_control,
    )


def _number(text: str, otherwise: int) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def _parameters(text: str) -> dict[str, str]:
    pairs = (piece.partition("=") for piece in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _sets(parameters: dict[str, str]) -> tuple[bytes, ...]:
    texts = (text for name in _SETS for text in parameters.get(name, "").split(","))
    return tuple(unit for text in texts if (unit := _decoded(text)))


def _decoded(text: str) -> bytes:
    """Decode Base64, and remove the start code that some cameras add; empty if it is invalid."""
    text = text.strip()
    try:
        unit = b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        return b""
    return unit[unit.find(b"\x01") + 1 :] if unit.startswith((b"\0\0\1", b"\0\0\0\1")) else unit


def control_url(base: str, control: str) -> str:
    """Return the URL of a control attribute: an absolute one, `*` for the base itself, or a suffix
    of the base (RFC 2326, C.1.1).

    It is appended, and not resolved like a link: cameras whose base has a query (`?channel=1`)
    expect the track after it.
    """
    if control in ("", "*"):
        return base
    if control.lower().startswith(("rtsp://", "rtsps://")):
        return control
    return base + ("" if base.endswith("/") else "/") + control.removeprefix("/")
