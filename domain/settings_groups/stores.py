"""Settings for the stores of a site, the data folder, and how long both keep what they have."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, FilePath, SecretStr, field_validator

from domain.settings_groups.environment import EnvironmentFields


class StoreFields(EnvironmentFields):
    """A part of `Settings`."""

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
