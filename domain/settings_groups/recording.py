"""Settings for streams of cameras, recordings, clips and exports."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, FilePath

from domain.settings_groups.environment import EnvironmentFields


class RtspReader(StrEnum):
    """The RTSP implementation that reads cameras."""

    OWN = "own"
    LIBAVFORMAT = "libavformat"


class RecordingFields(EnvironmentFields):
    """A part of `Settings`."""

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
    export_days: int = Field(
        7, ge=1, le=90, description="days after which an export of recordings expires"
    )
    exports_per_person: int = Field(
        20, ge=1, le=1000, description="number of exports that one person may have at a time"
    )
    export_hours_per_person: int = Field(
        240,
        ge=1,
        le=100_000,
        description="hours of recordings that the exports of one person may have together",
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
