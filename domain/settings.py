"""Every setting, from the environment (`SIGHTLINE_*`), with its default and unit beside it.
docs/settings.md lists them all.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.errors import BadInput


class RtspReader(StrEnum):
    OWN = "own"
    LIBAVFORMAT = "libavformat"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="SIGHTLINE_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    redis_url: SecretStr | None = Field(
        None,
        description="Redis or Valkey, redis:// or rediss://, or a cluster, redis+cluster://; "
        "unset: one-machine mode starts its own",
    )
    s3_endpoint: str | None = Field(
        None, description="host:port of an S3 store; unset: one-machine mode starts its own"
    )
    s3_access_key: SecretStr | None = Field(None, description="the S3 store's access key")
    s3_secret_key: SecretStr | None = Field(None, description="the S3 store's secret key")
    s3_secure: bool = Field(False, description="speak TLS to the S3 store")
    s3_bucket: str = Field("sightline", description="the bucket that holds everything")
    node: str = Field(
        "node-1",
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        description="this node's name, unique in the city",
    )
    door_host: str = Field(
        "127.0.0.1",
        description="address of this node's door: where it listens, and where the API reaches it",
    )
    door_port: int = Field(
        0, ge=0, le=65535, description="port of this node's door; 0: any that is free"
    )
    door_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="what the API signs its requests to nodes with, the same for all; unset: "
        "one-machine mode draws its own",
    )
    workers: int = Field(0, ge=0, le=64, description="camera worker processes; 0: one a core")
    api_processes: int = Field(
        0,
        ge=0,
        le=64,
        description="processes that answer people; 0: one where cameras are looked after too, "
        "else one a core, four at most",
    )
    disk_limit_gb: float = Field(
        20.0,
        gt=0,
        description="most that the data folder may take, in GB of 10^9 bytes; the oldest "
        "recordings go",
    )
    disk_reserve_gb: float = Field(
        2.0, ge=0, description="free space that recordings always leave on their disk, in GB"
    )
    audit_limit_gb: float = Field(
        5.0,
        gt=0,
        description="most that the audit log may take, in GB of 10^9 bytes, beside "
        "`disk_limit_gb`; a full one refuses looks",
    )
    upload_limit_mb_s: float = Field(
        0.0,
        ge=0,
        description="most that a node uploads of recordings, in MB of 10^6 bytes a second; 0: as "
        "fast as it goes",
    )
    upload_late_h: float = Field(
        2.0,
        gt=0,
        description="segments that wait longer than this to be uploaded raise an alarm, in hours",
    )
    segment_s: float = Field(
        10.0, ge=1, le=60, description="seconds of a segment, cut at the keyframe after"
    )
    clip_before_s: float = Field(
        3.0, ge=0.5, le=30, description="seconds of a clip before its event"
    )
    clip_after_s: float = Field(3.0, ge=0.5, le=30, description="seconds of a clip after its event")
    trigger_before_s: float = Field(
        5.0,
        ge=0,
        le=600,
        description="seconds kept before a trigger, at cameras that keep only what triggers",
    )
    trigger_after_s: float = Field(10.0, ge=0, le=600, description="seconds kept after a trigger")
    trigger_wait_s: float = Field(
        600.0, ge=60, description="recordings that no trigger claims within this time are deleted"
    )
    index_days: int = Field(
        90,
        ge=2,
        le=3650,
        description="events older than this move from Redis to the archive, in days",
    )
    archive_cache_gb: float = Field(
        2.0,
        gt=0,
        description="most that a process keeps on disk of the archive's files that it read, in GB "
        "of 10^9 bytes",
    )
    archive_memory_mb: int = Field(
        512,
        ge=64,
        description="most memory that searches of the archive may take in a process, in MB",
    )
    models_dir: Path = Field(
        Path(sys.prefix) / "share" / "sightline" / "models",
        description="where `make install` put the models",
    )
    face_model: str = Field(
        "centerface", description="`centerface`, or the path of a YuNet ONNX file"
    )
    onnx_providers: str = Field(
        "cpu",
        pattern=r"^(cpu|cuda|openvino|tensorrt)(,(cpu|cuda|openvino|tensorrt))*$",
        description="what runs the models, the most wanted first: cuda, openvino, tensorrt, cpu; "
        "what is not there is left out",
    )
    plate_detect_fps: float = Field(
        10.0, gt=0, le=30, description="frames a second looked at for plates while something moves"
    )
    face_detect_fps: float = Field(
        6.0, gt=0, le=30, description="frames a second looked at for faces while something moves"
    )
    reason_required: bool = Field(
        True, description="refuse looks at plates, clips and pictures without X-Reason"
    )
    send_least_kb_s: float = Field(
        32.0,
        ge=0,
        description="a reader of an export that takes less than this is closed, in kB of 1,000 "
        "bytes a second; 0: never",
    )
    send_slow_s: float = Field(
        30.0, ge=1, le=3600, description="seconds over which that rate is taken"
    )
    feed_events: int = Field(
        50_000,
        ge=1000,
        description="events that the live feed can go back over; each takes some 200 bytes of "
        "Redis",
    )
    watch_days: int = Field(
        90, ge=1, le=366, description="longest that a vehicle watch may stand, in days"
    )
    webhook_networks: str = Field(
        "",
        description="networks that webhooks may go to, such as 10.3.0.0/16,10.4.1.7/32; empty: "
        "to none",
    )
    source_timeout_s: float = Field(
        5.0, gt=0, le=120, description="a camera silent for this long is reconnected"
    )
    rtsp_reader: RtspReader = Field(
        RtspReader.OWN,
        description="what pulls H.264 and H.265 over TCP and UDP; the rest is libavformat's anyway",
    )
    udp_port_first: int = Field(
        40_000, ge=1024, le=65_534, description="the first port that cameras may send to over UDP"
    )
    udp_port_last: int = Field(
        59_999, ge=1025, le=65_535, description="the last port that cameras may send to over UDP"
    )
    log_level: str = Field(
        "INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="how much is logged"
    )

    @field_validator("webhook_networks")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        _networks(text)
        return text

    @property
    def allowed_webhook_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return _networks(self.webhook_networks)


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(_network(part, number) for number, part in enumerate(parts, start=1))


def _network(text: str, number: int) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"entry {number} is not a network such as 10.3.0.0/16") from error


def check_settings() -> None:
    """Raises BadInput, naming each variable of the environment that is wrong. Their values,
    which may be secret, are not repeated.
    """
    try:
        Settings()
    except ValidationError as error:
        faults = [
            f"SIGHTLINE_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()
        ]
        raise BadInput("; ".join(faults)) from error
