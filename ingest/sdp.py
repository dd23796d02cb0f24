"""Session descriptions (RFC 8866), as far as the video of a camera needs them. Pure.

What an RTSP server says of H.264 and H.265 in `a=fmtp` is in RFC 6184, 8.1, and RFC 7798, 7.1.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass

_CODECS = {"h264": "h264", "h265": "hevc", "hevc": "hevc"}
_SETS = ("sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps")
_MOST_LINES = 1000


@dataclass(frozen=True, slots=True)
class Video:
    """The first video of a description. `control` and `session_control` are as written, empty where nothing is."""

    codec: str
    """`h264`, `hevc`, or the encoding's name as written where it is neither."""
    payload_type: int
    clock_hz: int
    sets: tuple[bytes, ...]
    """Parameter sets as NAL units."""
    is_plain: bool
    """Whether its packets are in decoding order, over plain RTP: no interleaved packetisation, no encryption."""
    control: str
    session_control: str


class _Section:
    """The lines from one `m=` to the next, or those before the first."""

    def __init__(self, head: str) -> None:
        self.head = head
        self._attributes: list[tuple[str, str]] = []

    def add(self, line: str) -> None:
        name, _, value = line.partition(":")
        self._attributes.append((name.strip().lower(), value.strip()))

    def value(self, name: str, prefix: str = "") -> str:
        """The first attribute of that name that begins with `prefix`, without it; empty where there is none."""
        for own, value in self._attributes:
            if own == name and value.startswith(prefix):
                return value[len(prefix) :].strip()
        return ""


def first_video(text: str) -> Video | None:
    """The first video that `text` offers, or None where it offers none."""
    sections = _sections(text)
    for section in sections[1:]:
        fields = section.head.split()
        if fields and fields[0].lower() == "video" and len(fields) >= 4:
            return _video(section, fields, sections[0].value("control"))
    return None


def _sections(text: str) -> list[_Section]:
    sections = [_Section("")]
    for line in text.splitlines()[:_MOST_LINES]:
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
        fields[2].upper() in ("RTP/AVP", "RTP/AVP/TCP", "RTP/AVPF")
        and parameters.get("packetization-mode", "0") in ("", "0", "1")
        and not _number(parameters.get("sprop-max-don-diff", "0"), 1)
    )
    clock_hz = _number(rate.partition("/")[0], 90_000)
    codec = _CODECS.get(encoding, encoding)
    return Video(codec, payload_type, clock_hz or 90_000, _sets(parameters), is_plain, section.value("control"), session_control)


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
    """Base64, without the start code that some cameras put in; empty where it is none."""
    text = text.strip()
    try:
        unit = b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        return b""
    return unit[unit.find(b"\x01") + 1 :] if unit.startswith((b"\0\0\1", b"\0\0\0\1")) else unit


def control_url(base: str, control: str) -> str:
    """The URL of a control attribute: absolute, `*` for the base itself, or what is put behind the base (RFC 2326, C.1.1).

    Put behind, not resolved as links are: cameras whose base has a query (`?channel=1`) expect the track after it.
    """
    if control in ("", "*"):
        return base
    if control.lower().startswith(("rtsp://", "rtsps://")):
        return control
    return base + ("" if base.endswith("/") else "/") + control.removeprefix("/")
