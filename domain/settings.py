"""Every setting with its default and unit. Settings are read from environment variables
(`SIGHTLINE_*`); docs/settings.md lists them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import MutableMapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, FilePath, SecretStr, ValidationError, field_validator
from pydantic_settings import SettingsConfigDict

from domain.errors import BadInput
from domain.node_names import PATTERN
from domain.openid import OpenIdFields
from domain.people import Role

_TIME_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
_ORIGIN = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?")


class RtspReader(StrEnum):
    """The RTSP implementation that reads cameras."""

    OWN = "own"
    LIBAVFORMAT = "libavformat"


class Settings(OpenIdFields):
    """The settings of one process. They do not change after the start."""

    model_config = SettingsConfigDict(
        env_prefix="SIGHTLINE_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    redis_url: SecretStr | None = Field(
        None,
        description="URL of Redis or Valkey (redis://, rediss://) or of a cluster "
        "(redis+cluster://); unset: one-machine mode starts its own server",
    )
    redis_ca: FilePath | None = Field(
        None,
        description="PEM file of the certificates that sign the server certificate of a rediss:// "
        "Redis; unset: those of the system",
    )
    s3_endpoint: str | None = Field(
        None,
        description="host:port of an S3 object store; unset: one-machine mode starts its own "
        "server",
    )
    s3_access_key: SecretStr | None = Field(None, description="access key of the S3 object store")
    s3_secret_key: SecretStr | None = Field(None, description="secret key of the S3 object store")
    s3_secure: bool = Field(False, description="use TLS for the S3 object store")
    s3_ca: FilePath | None = Field(
        None,
        description="PEM file of the certificates that sign the server certificate of the S3 "
        "object store; unset: those of the system",
    )
    s3_bucket: str = Field("sightline", description="S3 bucket that stores all data of the site")
    node: str = Field(
        "node-1",
        pattern=PATTERN,
        description="name of this node, unique in the site",
    )
    node_api_host: str = Field(
        "127.0.0.1",
        description="address on which the node API listens and at which the API reaches it",
    )
    node_api_port: int = Field(
        0, ge=0, le=65535, description="TCP port of the node API; 0: any free port"
    )
    people_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="key that authenticates the records of people, the same for all APIs and "
        "commands of a site, and unknown to nodes; unset: one-machine mode generates a key",
    )
    workers: int = Field(
        0, ge=0, le=64, description="number of camera worker processes; 0: one per CPU core"
    )
    api_processes: int = Field(
        0,
        ge=0,
        le=64,
        description="number of API processes; 0: one in one-machine mode, otherwise one per CPU "
        "core, at most four",
    )
    disk_limit_gb: float = Field(
        20.0,
        gt=0,
        description="maximum size of the data folder in GB (10^9 bytes); the oldest recordings "
        "are deleted first",
    )
    disk_reserve_gb: float = Field(
        2.0, ge=0, description="free space that recordings leave on their disk, in GB (10^9 bytes)"
    )
    audit_limit_gb: float = Field(
        5.0,
        gt=0,
        description="maximum size of the audit log in GB (10^9 bytes), in addition to "
        "`disk_limit_gb`; at the limit, access to evidence is refused",
    )
    audit_days: int = Field(
        365,
        ge=180,
        le=36_500,
        description="age in days at which audit log lines are deleted from the object store",
    )
    syslog: str = Field(
        "",
        description="syslog receiver of audit log lines: udp://host:port or tcp://host:port; "
        "empty: none",
    )
    upload_limit_mb_s: float = Field(
        0.0,
        ge=0,
        description="maximum upload rate of recordings per node, in MB (10^6 bytes) per second; "
        "0: unlimited",
    )
    upload_late_h: float = Field(
        2.0,
        gt=0,
        description="waiting time in hours after which segments that are not uploaded raise an "
        "alarm",
    )
    segment_s: float = Field(
        10.0,
        ge=1,
        le=60,
        description="duration of a segment in seconds; the segment ends at the next keyframe",
    )
    clip_before_s: float = Field(
        3.0, ge=0.5, le=30, description="seconds of a clip before its event"
    )
    clip_after_s: float = Field(3.0, ge=0.5, le=30, description="seconds of a clip after its event")
    trigger_before_s: float = Field(
        5.0,
        ge=0,
        le=600,
        description="seconds kept before a trigger, for cameras that keep only triggered "
        "recordings",
    )
    trigger_after_s: float = Field(10.0, ge=0, le=600, description="seconds kept after a trigger")
    trigger_wait_s: float = Field(
        600.0, ge=60, description="seconds after which recordings without a trigger are deleted"
    )
    index_days: int = Field(
        90,
        ge=2,
        le=3650,
        description="age in days at which events move from Redis to the archive",
    )
    archive_cache_gb: float = Field(
        2.0,
        gt=0,
        description="maximum size of the disk cache of archive files per process, in GB (10^9 "
        "bytes)",
    )
    archive_memory_mb: int = Field(
        512,
        ge=64,
        description="maximum memory for archive searches per process, in MB",
    )
    models_dir: Path = Field(
        Path(sys.prefix) / "share" / "sightline" / "models",
        description="folder in which `make install` places the models",
    )
    face_model: str = Field(
        "centerface", description="`centerface`, or the path of a YuNet ONNX file"
    )
    onnx_providers: str = Field(
        "cpu",
        pattern=r"^(cpu|cuda|openvino|tensorrt)(,(cpu|cuda|openvino|tensorrt))*$",
        description="ONNX Runtime providers in order of preference: cuda, openvino, tensorrt, "
        "cpu; providers that are not installed are skipped",
    )
    plate_detect_fps: float = Field(
        10.0, gt=0, le=30, description="frames per second analysed for plates while there is motion"
    )
    face_detect_fps: float = Field(
        6.0, gt=0, le=30, description="frames per second analysed for faces while there is motion"
    )
    reason_required: bool = Field(
        True, description="refuse access to plates, clips and pictures without X-Reason"
    )
    time_zone: str = Field(
        "Asia/Shanghai",
        description="time zone of the city, by its IANA name; the console shows times in it",
    )
    policy: Path | None = Field(
        None,
        description="access policy file: which calls need a reason, a case or an approval; it is "
        "read again after each change; unset: none",
    )
    send_least_kb_s: float = Field(
        32.0,
        ge=0,
        description="minimum rate at which a client must read an export, in kB (1,000 bytes) per "
        "second; slower connections are closed; 0: no minimum",
    )
    send_slow_s: float = Field(
        30.0,
        ge=1,
        le=3600,
        description="period in seconds over which the read rate of a client is measured",
    )
    feed_events: int = Field(
        50_000,
        ge=1000,
        description="number of past events that the live feed can replay; each uses about 200 "
        "bytes of Redis memory",
    )
    live_memory_mb: float = Field(
        256.0,
        gt=0,
        description="maximum memory for the pictures that one process holds for new viewers of "
        "live video, in MB",
    )
    live_grace_s: float = Field(
        10.0,
        ge=0,
        le=600,
        description="seconds for which a node receives a stream after its last viewer has left",
    )
    live_streams_per_node: int = Field(
        64, ge=1, le=64, description="number of streams that a node sends to viewers at a time"
    )
    live_views_per_person: int = Field(
        32,
        ge=1,
        description="number of live views that one person may have open in one API process",
    )
    live_views_per_camera: int = Field(
        64, ge=1, description="number of live views of one camera in one API process"
    )
    webrtc: bool = Field(
        True, description="serve live video by WebRTC (WHEP) from the host of the API"
    )
    webrtc_port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="UDP port for all WebRTC viewers; 0: a free one, chosen at each start",
    )
    webrtc_addresses: str = Field(
        "",
        description="addresses at which viewers reach that port, such as 203.0.113.7,10.3.0.2; "
        "needed behind a proxy or NAT; empty: the address by which a viewer reached the API",
    )
    webrtc_turn: str = Field(
        "",
        description="TURN server that WebRTC viewers may use, such as "
        "turns:turn.example.org:5349?transport=tcp; empty: none",
    )
    webrtc_turn_secret: SecretStr | None = Field(
        None,
        description="secret that the TURN server shares with the API, for credentials that expire; "
        "unset: the server needs none",
    )
    watch_days: int = Field(
        90, ge=1, le=366, description="maximum duration of a vehicle watch in days"
    )
    webhook_networks: str = Field(
        "",
        description="networks to which webhooks may be sent, such as 10.3.0.0/16,10.4.1.7/32; "
        "empty: none",
    )
    trusted_proxies: str = Field(
        "",
        description="networks of reverse proxies whose X-Forwarded-For names the client, such as "
        "10.3.0.2/32; empty: none",
    )
    origins: str = Field(
        "",
        description="origins of the site as browsers see them, such as "
        "https://video.example.org, the main one first; needed behind a proxy; empty: the origin "
        "of each request",
    )
    session_hours: float = Field(
        12.0, gt=0, le=720, description="hours after which a browser must sign in again"
    )
    session_idle_minutes: float = Field(
        60.0,
        gt=0,
        le=1440,
        description="minutes without a request after which a browser must sign in again",
    )
    password_memory_mb: int = Field(
        64,
        ge=19,
        le=1024,
        description="memory for the hash of a password, in MB (2^20 bytes); more is stronger",
    )
    password_passes: int = Field(
        3, ge=2, le=20, description="passes over that memory; more is stronger"
    )
    second_factor_roles: str = Field(
        "",
        description="roles that must sign in with a password and a code, such as "
        "admin,investigator; empty: none",
    )
    address_requests_per_s: float = Field(
        100.0,
        ge=0,
        description="requests per second that one API process accepts from one address, or from "
        "one /64 network; bursts of five times as many; 0: any number",
    )
    person_requests_per_s: float = Field(
        50.0,
        ge=0,
        description="requests per second that one API process accepts from one person; bursts of "
        "five times as many; 0: any number",
    )
    source_timeout_s: float = Field(
        5.0, gt=0, le=120, description="seconds without data after which a camera is reconnected"
    )
    rtsps_ca: FilePath | None = Field(
        None,
        description="PEM file of the certificates that sign the certificates of rtsps:// cameras "
        "without `tls` in the registry; unset: those of the system",
    )
    rtsp_reader: RtspReader = Field(
        RtspReader.OWN,
        description="RTSP implementation for H.264 and H.265 over TCP and UDP; libavformat "
        "always handles other streams",
    )
    udp_port_first: int = Field(
        40_000, ge=1024, le=65_534, description="first local UDP port for streams from cameras"
    )
    udp_port_last: int = Field(
        59_999, ge=1025, le=65_535, description="last local UDP port for streams from cameras"
    )
    confinement: bool = Field(
        True,
        description="restrict which files and system calls workers, live processes and APIs use "
        "(Landlock, seccomp), as far as the kernel can",
    )
    confinement_reads: str = Field(
        "",
        description="further files and folders that confined processes may read, separated by "
        "colons, such as the folder of a GPU library",
    )
    log_level: str = Field(
        "INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="minimum level of log messages"
    )

    @field_validator("syslog")
    @classmethod
    def _is_receiver(cls, text: str) -> str:
        if not text:
            return text
        parts = urlsplit(text)
        # `port` raises ValueError beyond 65535
        is_whole = parts.scheme in ("udp", "tcp") and parts.hostname and parts.port
        if not is_whole or "@" in parts.netloc or parts.path or parts.query or parts.fragment:
            raise ValueError("must be udp://host:port or tcp://host:port")
        return text

    @field_validator("time_zone")
    @classmethod
    def _is_time_zone(cls, name: str) -> str:
        # A machine may have no time zone database; the shape is checked there too.
        known = available_timezones()
        if _TIME_ZONE.fullmatch(name) is None or (known and name not in known):
            raise ValueError(f"{name!r} is no time zone; the name is one such as Asia/Shanghai")
        return name

    @field_validator("second_factor_roles")
    @classmethod
    def _are_roles(cls, text: str) -> str:
        for number, role in enumerate(_parts(text), start=1):
            if role not in tuple(Role):
                raise ValueError(f"entry {number} is no role; the roles are {', '.join(Role)}")
        return text

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, text: str) -> str:
        for number, origin in enumerate(_parts(text), start=1):
            if _ORIGIN.fullmatch(origin) is None:
                raise ValueError(
                    f"entry {number} is not an origin such as https://video.example.org, without "
                    "a path"
                )
        return text

    @field_validator("webhook_networks", "trusted_proxies")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        _networks(text)
        return text

    @property
    def roles_with_second_factor(self) -> tuple[Role, ...]:
        return tuple(map(Role, _parts(self.second_factor_roles)))

    @property
    def site_origins(self) -> tuple[str, ...]:
        return _parts(self.origins)

    @property
    def allowed_webhook_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return _networks(self.webhook_networks)

    @field_validator("webrtc_turn")
    @classmethod
    def _is_turn_server(cls, text: str) -> str:
        if text and not re.fullmatch(
            r"turns?:[\w.:\[\]-]+(\?transport=(udp|tcp))?", text, re.ASCII
        ):
            raise ValueError(
                "must be turn:host:port or turns:host:port, with ?transport=tcp or udp"
            )
        return text

    @field_validator("webrtc_addresses")
    @classmethod
    def _are_addresses(cls, text: str) -> str:
        for part in _parts(text):
            ip_address(part)  # It raises ValueError, which names the part.
        return text

    @property
    def webrtc_address_list(self) -> tuple[str, ...]:
        return _parts(self.webrtc_addresses)

    @property
    def trusted_proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return _networks(self.trusted_proxies)


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(_network(part, number) for number, part in enumerate(_parts(text), start=1))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _network(text: str, number: int) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"entry {number} is not a network such as 10.3.0.0/16") from error


FORMER_NAMES = {
    "SIGHTLINE_DOOR_HOST": "SIGHTLINE_NODE_API_HOST",
    "SIGHTLINE_DOOR_PORT": "SIGHTLINE_NODE_API_PORT",
}
"""The former names of environment variables, with the present ones."""


def rename_former_settings(environ: MutableMapping[str, str]) -> list[str]:
    """Move the values of former names to the present names; return a warning for each.

    If both names are set, the value of the present name stays.
    """
    warnings = []
    for former, present in FORMER_NAMES.items():
        if former in environ:
            environ.setdefault(present, environ.pop(former))
            warnings.append(f"{former} has a new name; set {present} instead")
    return warnings


def check_settings() -> None:
    """Check all settings. Raises BadInput with the name of each invalid environment variable.

    The error does not contain the values, because they may be secret.
    """
    try:
        Settings()
    except ValidationError as error:
        faults = [
            f"SIGHTLINE_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()
        ]
        raise BadInput("; ".join(faults)) from error
