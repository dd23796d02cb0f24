"""The states of a camera, in words that an operator understands, and what is published of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.unread_reasons import Unread


class CameraState(StrEnum):
    UNKNOWN = "unknown"  # no node has reported it
    IDLE = "idle"  # on demand, and nobody asks
    CONNECTING = "connecting"
    LIVE = "live"
    UNREACHABLE = "unreachable"
    WRONG_PASSWORD = "wrong_password"
    NO_VIDEO = "no_video"
    NO_KEYFRAMES = "no_keyframes"  # none has come in this connection: nothing can be recorded
    NO_PARAMETER_SETS = "no_parameter_sets"  # keyframes come, and what describes them does not
    UNDECODABLE = (
        "undecodable"  # packets come and are recorded; the decoder makes no picture of them
    )
    FROZEN = "frozen"  # packets come, and the picture does not change
    CLOCK_WRONG = "clock_wrong"  # live, but the camera's own time is far from ours
    SPARSE_KEYFRAMES = "sparse_keyframes"  # live and recorded, but keyframes are far apart
    CODEC_UNSUPPORTED = "codec_unsupported"

    @property
    def is_live(self) -> bool:
        """Pictures come that can be recorded and that change."""
        return self in _LIVE

    @property
    def is_down(self) -> bool:
        """No picture comes that is of use, though it should."""
        return self in _DOWN


_LIVE = frozenset({CameraState.LIVE, CameraState.CLOCK_WRONG, CameraState.SPARSE_KEYFRAMES})
_DOWN = frozenset(
    {
        CameraState.UNREACHABLE,
        CameraState.WRONG_PASSWORD,
        CameraState.NO_VIDEO,
        CameraState.NO_KEYFRAMES,
        CameraState.NO_PARAMETER_SETS,
        CameraState.UNDECODABLE,
        CameraState.CODEC_UNSUPPORTED,
    }
)


class Why(StrEnum):
    """What the last error was, for machines and for translation; its sentence says more."""

    NONE = ""
    HOST_UNKNOWN = "host_unknown"  # the name cannot be resolved
    OUTSIDE_NETWORKS = "outside_networks"  # the registry's `networks` do not allow the address
    REFUSED = "refused"  # a host is there, and nothing listens on the port
    NO_ROUTE = "no_route"  # no way to the address, or the network says that the host is down
    NO_ANSWER = (
        "no_answer"  # no connection within the time: wrong host, switched off, or a firewall
    )
    FAILED = "failed"  # the connection broke
    NOT_RTSP = "not_rtsp"  # something else answers on that port
    TLS = "tls"  # the encrypted connection cannot be agreed on
    LOGIN = "login"  # 401 or 403
    NO_PATH = "no_path"  # 404
    SESSION_LOST = "session_lost"  # 454: the camera forgot the session
    REDIRECTED = "redirected"
    TRANSPORT = "transport"  # 461: it does not send the way that the registry asks for
    REJECTED = "rejected"  # another answer than 200
    ENDED = "ended"  # the camera ended the stream
    SILENT = "silent"  # connected, and nothing comes
    MALFORMED = "malformed"  # what comes is not valid RTSP or RTP
    NO_PICTURES = "no_pictures"  # RTP packets come, and no picture can be put together of them
    NO_VIDEO = "no_video"
    CODEC = "codec"
    NO_KEYFRAMES = "no_keyframes"
    NO_PARAMETER_SETS = "no_parameter_sets"
    UNDECODABLE = "undecodable"
    SPARSE_KEYFRAMES = "sparse_keyframes"
    FROZEN = "frozen"
    CLOCK = "clock"  # the camera's clock is far from ours
    CLOCK_STEPPED = "clock_stepped"  # this node's clock was set


class Shed(StrEnum):
    """What of a camera is given up under pressure; each includes those before it."""

    NOTHING = ""
    ANALYTICS_SLOWER = "analytics_slower"  # it is looked at less often
    ANALYTICS = "analytics"  # it is not looked at
    RECORDING = "recording"  # it is neither recorded nor pulled, but while somebody watches
    RECORDING_FOR_DISK = "recording_for_disk"  # the same, and it is the disk that was full

    @property
    def is_of_recording(self) -> bool:
        return self in (Shed.RECORDING, Shed.RECORDING_FOR_DISK)


@dataclass(slots=True)
class CameraStatus:
    """What a worker knows of one camera at one moment. Times are UTC nanoseconds; 0 means never.
    Whoever makes it fills it in, and nobody writes to it after: not `frozen`, since one is made of
    each camera every second.
    """

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
    """Packets that arrived and were dropped by us (recorder queue full, disk refused); never
    hidden.
    """
    node: str = ""
    why: Why = Why.NONE
    """What kind of fault `last_error` tells of."""
    last_error_ns: int = 0
    """When it came; it stays to be read after the camera is well again."""
    clock_skew_ms: int | None = None
    """The camera's clock less ours, by its sender reports; None without reports."""
    shed: Shed = Shed.NOTHING
    """What is given up of it, for want of processor or disk; never hidden."""
    over_limit: bool = False
    """It sent more than its `max_bitrate_kbps` over the last minute."""
    unread: tuple[Unread, ...] = ()
    """The last plates that gave no text, the newest last."""
