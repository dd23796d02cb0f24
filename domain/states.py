"""The states of a camera, in words that an operator understands, and what is published of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CameraState(StrEnum):
    UNKNOWN = "unknown"  # no node has reported it
    IDLE = "idle"  # on demand, and nobody asks
    CONNECTING = "connecting"
    LIVE = "live"
    UNREACHABLE = "unreachable"
    WRONG_PASSWORD = "wrong_password"
    NO_VIDEO = "no_video"
    NO_KEYFRAMES = "no_keyframes"
    FROZEN = "frozen"  # packets come, and the picture does not change
    CLOCK_WRONG = "clock_wrong"  # live, but the camera's own time is far from ours
    CODEC_UNSUPPORTED = "codec_unsupported"


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """What a worker knows of one camera at one moment. Times are UTC nanoseconds; 0 means never."""

    camera_id: str
    state: CameraState
    since_ns: int
    last_error: str = ""
    last_packet_wall_ns: int = 0
    codec: str = ""
    width_px: int = 0
    height_px: int = 0
    fps: float = 0.0
    bitrate_bps: int = 0
    wall_source: str = ""
    recorded_until_ns: int = 0
    reconnects: int = 0
    lost_packets: int = 0
    """Packets that arrived and were dropped by us (recorder queue full, disk refused); never hidden."""
    node: str = ""
