"""The states of a camera in an operator's terms, and the status that a worker publishes of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.messages.message import Message, with_parts
from domain.unread_reasons import Unread


class CameraState(StrEnum):
    UNKNOWN = "unknown"  # no node has reported it
    IDLE = "idle"  # it is pulled on demand, and no client requests it
    CONNECTING = "connecting"
    LIVE = "live"
    UNREACHABLE = "unreachable"
    WRONG_PASSWORD = "wrong_password"
    NO_VIDEO = "no_video"
    NO_KEYFRAMES = "no_keyframes"  # this connection has sent none: nothing can be recorded
    NO_PARAMETER_SETS = "no_parameter_sets"  # keyframes arrive without parameter sets
    UNDECODABLE = (
        "undecodable"  # packets arrive and are recorded; the decoder makes no picture of them
    )
    FROZEN = "frozen"  # packets arrive, and the picture does not change
    CLOCK_WRONG = "clock_wrong"  # live, but the camera's own time is far from ours
    SPARSE_KEYFRAMES = "sparse_keyframes"  # live and recorded, but keyframes are far apart
    CODEC_UNSUPPORTED = "codec_unsupported"

    @property
    def is_live(self) -> bool:
        """Pictures arrive that can be recorded and that change."""
        return self in _LIVE

    @property
    def is_down(self) -> bool:
        """No usable picture arrives, though one should."""
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
    """The kind of the last error, for programs and for translation; its sentence says more."""

    NONE = ""
    HOST_UNKNOWN = "host_unknown"  # the name cannot be resolved
    OUTSIDE_NETWORKS = "outside_networks"  # the registry's `networks` do not allow the address
    REFUSED = "refused"  # the host answers, and nothing listens on the port
    NO_ROUTE = "no_route"  # no route to the address, or the host is reported as down
    NO_ANSWER = (
        "no_answer"  # no connection within the time: wrong host, switched off, or a firewall
    )
    FAILED = "failed"  # the connection broke
    NOT_RTSP = "not_rtsp"  # something else answers on that port
    TLS = "tls"  # the TLS handshake failed
    CERTIFICATE = "certificate"  # its certificate is not the one that the registry trusts
    LOGIN = "login"  # 401 or 403
    BASIC_IN_CLEAR = "basic_in_clear"  # it would get the password without encryption
    NO_PATH = "no_path"  # 404
    SESSION_LOST = "session_lost"  # 454: the camera forgot the session
    REDIRECTED = "redirected"
    TRANSPORT = "transport"  # 461: it does not support the transport that the registry states
    REJECTED = "rejected"  # another answer than 200
    ENDED = "ended"  # the camera ended the stream
    SILENT = "silent"  # it is connected and sends nothing
    MALFORMED = "malformed"  # the data is not valid RTSP or RTP
    NO_PICTURES = "no_pictures"  # RTP packets arrive, and no picture can be assembled from them
    NO_VIDEO = "no_video"
    CODEC = "codec"
    NO_KEYFRAMES = "no_keyframes"
    NO_PARAMETER_SETS = "no_parameter_sets"
    UNDECODABLE = "undecodable"
    SPARSE_KEYFRAMES = "sparse_keyframes"
    FROZEN = "frozen"
    CLOCK = "clock"  # the camera's clock is far from ours
    CLOCK_STEPPED = "clock_stepped"  # this node's clock was set


CAUSES: dict[Why, Message] = {
    Why.HOST_UNKNOWN: Message("The host name cannot be resolved."),
    Why.OUTSIDE_NETWORKS: Message("The address is outside the networks that the registry allows."),
    Why.REFUSED: Message("The port refuses connections. Check the port, and that RTSP is enabled."),
    Why.NO_ROUTE: Message("The network cannot be reached. Check cable, VLAN and route."),
    Why.NO_ANSWER: Message("The connection timed out. Check address, power and firewall."),
    Why.FAILED: Message("The connection broke."),
    Why.NOT_RTSP: Message("Another service than RTSP answers on this port."),
    Why.TLS: Message("The TLS connection failed. Check rtsps and the port."),
    Why.CERTIFICATE: Message(
        "The camera's certificate is not trusted. Check and register its fingerprint."
    ),
    Why.LOGIN: Message("The user name or the password is wrong. Check the credentials."),
    Why.BASIC_IN_CLEAR: Message(
        "The camera wants the password without encryption, so it was not sent. Enable digest or "
        "rtsps."
    ),
    Why.NO_PATH: Message("The path of the stream does not exist (404). Check the path."),
    Why.SESSION_LOST: Message("The camera has lost the session (454)."),
    Why.REDIRECTED: Message("The camera redirects to another address. Register that address."),
    Why.TRANSPORT: Message(
        "The camera does not support this transport. Set transport to udp or tcp."
    ),
    Why.REJECTED: Message("The camera rejects the request."),
    Why.ENDED: Message("The camera has ended the stream."),
    Why.SILENT: Message("The camera is connected and sends nothing. It may have crashed."),
    Why.MALFORMED: Message(
        "The data is not valid RTSP or RTP. Restart the camera or update its firmware."
    ),
    Why.NO_PICTURES: Message(
        "RTP packets arrive but form no picture. Check packet loss, or set transport to tcp."
    ),
    Why.NO_VIDEO: Message("The stream has no video. Choose another path."),
    Why.CODEC: Message("The codec is not supported. Set the camera to H.264 or H.265."),
    Why.NO_KEYFRAMES: Message("No keyframe arrives. Set the keyframe interval to 1 to 2 s."),
    Why.NO_PARAMETER_SETS: Message(
        "Keyframes lack parameter sets (SPS, PPS). Update the firmware."
    ),
    Why.UNDECODABLE: Message(
        "No picture can be decoded. Restart the camera; disable stream encryption."
    ),
    Why.SPARSE_KEYFRAMES: Message("Keyframes are too far apart. Set the interval to 1 to 4 s."),
    Why.FROZEN: Message("The picture does not change at all. Restart the camera."),
    Why.CLOCK: Message("The camera's clock is wrong. Enable time synchronisation in the camera."),
    Why.CLOCK_STEPPED: Message("The clock of the node was set."),
}
"""What is wrong and what to do about it, of every kind but `Why.NONE`."""


class Shed(StrEnum):
    """What a camera loses under load shedding; each level includes those before it."""

    NOTHING = ""
    ANALYTICS_SLOWER = "analytics_slower"  # it is analysed less often
    ANALYTICS = "analytics"  # it is not analysed
    RECORDING = "recording"  # it is not recorded, and it is pulled only while a client watches
    RECORDING_FOR_DISK = "recording_for_disk"  # the same, because the disk was full

    @property
    def is_of_recording(self) -> bool:
        return self in (Shed.RECORDING, Shed.RECORDING_FOR_DISK)


@dataclass(slots=True)
class CameraStatus:
    """What a worker knows of one camera at one moment. Times are UTC nanoseconds; 0 means never.

    Its creator fills it in, and nothing changes it afterwards. It is not `frozen`, because one is
    created for each camera every second.
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
    """The number of packets that arrived and that this node dropped: the queue was full, or the
    disk refused them.
    """
    node: str = ""
    why: Why = Why.NONE
    """The kind of fault that `last_error` describes."""
    last_error_ns: int = 0
    """The time of `last_error`, which remains readable after the camera has recovered."""
    clock_skew_ms: int | None = None
    """The camera's clock minus this node's, by its sender reports; None without reports."""
    shed: Shed = Shed.NOTHING
    """What load shedding or a full disk takes from this camera."""
    over_limit: bool = False
    """Whether it sent more than its `max_bitrate_kbps` over the last minute."""
    analysed_part: float = 1.0
    """The part of the groups of pictures with motion that were decoded in the last seconds."""
    analysis_stopped_ns: int = 0
    """Since when the analysis of a checkpoint hangs or fails; 0 if it works."""
    models_loading_ns: int = 0
    """Since when packets of a checkpoint wait until its models are loaded; 0 if none do, or not
    for long.
    """
    unread: tuple[Unread, ...] = ()
    """The last plates without a text, the newest last."""
    message: Message | None = None
    """`last_error` with its parts, if it has any; it is derived from `last_error`, or the other
    way.
    """

    def __post_init__(self) -> None:
        if self.message is not None:
            self.last_error = self.message
        else:
            self.message = with_parts(self.last_error)
