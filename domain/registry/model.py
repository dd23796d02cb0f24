"""The types of the registry. The commented sample `camera_registry.yaml` documents them; unknown
keys are errors.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from domain.events.event import Location
from domain.messages.message import Message
from domain.readable_names import readable

RecordMode = Literal["continuous", "events", "on_demand"]
Upload = Literal["all", "events", "none"]
TriggerSource = Literal["checkpoint", "motion", "onvif", "api"]
Checkpoint = Literal["plate", "face"]
Point = Annotated[
    tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]], Field()
]
Polygon = Annotated[tuple[Point, ...], Field(min_length=3)]


CAMERA_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
AREA_PATH = r"^[a-z0-9-]+(/[a-z0-9-]+)*$"
WHOLE_PATH = r"^/"
SECRET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def _two_places(line: tuple[Point, Point]) -> tuple[Point, Point]:
    if line[0] == line[1]:
        raise ValueError("begins where it ends")
    return line


CountLine = Annotated[tuple[Point, Point], AfterValidator(_two_places)]


def _rtsp_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port_is_right = parts.port != 0
    except ValueError:
        port_is_right = False
    if not port_is_right:
        raise ValueError("the port is not a number from 1 to 65535")
    if parts.scheme not in ("rtsp", "rtsps"):
        raise ValueError("must begin with rtsp:// or rtsps://")
    if "@" in parts.netloc:
        raise ValueError(
            "holds a user name or password; name an entry of the secrets file under `credentials` "
            "instead"
        )
    if "@" in parts.path:
        # A password that holds a slash ends the host early: rtsp://admin:12/3@10.0.0.1/1.
        raise ValueError(
            "holds @ behind the host; write %40 in a path, and credentials in the secrets file"
        )
    if not parts.hostname:
        raise ValueError("has no host")
    return url


def _network(value: object) -> object:
    """Return the network of a text. pydantic's own errors name each of the two types."""
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        whole = ip_network(value if isinstance(value, str) else "", strict=False)
    except ValueError:
        raise ValueError("is no network, such as 10.0.0.0/8") from None
    try:
        return ip_network(str(value))
    except ValueError:
        raise ValueError(
            Message("begins within a network; write {whole}", whole=str(whole))
        ) from None


AllowedNetwork = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


def _fingerprint(text: str) -> str:
    """Return the SHA-256 of a certificate as 64 lower-case digits; tools write it with colons."""
    digits = text.replace(":", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise ValueError("is not the SHA-256 of a certificate: 64 hexadecimal digits")
    return digits


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


Name = Annotated[str, Field(min_length=1), AfterValidator(readable)]


class ClassPolicy(_Strict):
    """The defaults of a class. Every key may also be set on a camera."""

    record: RecordMode = "continuous"
    retention_days: int = Field(30, ge=1, le=3650)
    retention_max_days: int | None = Field(None, ge=1, le=3650)
    upload: Upload = "all"
    priority: int = Field(5, ge=0, le=9)
    triggers: tuple[TriggerSource, ...] = ("checkpoint", "motion", "api")
    max_bitrate_kbps: int | None = Field(None, ge=1)

    @property
    def longest_retention_days(self) -> int:
        """The number of days after which a recording is deleted even if there is room; it is at
        least `retention_days`.
        """
        return self.retention_max_days or self.retention_days


AreaPath = Annotated[str, Field(pattern=AREA_PATH)]


class Area(_Strict):
    name: Name
    formerly: tuple[AreaPath, ...] = ()
    """The paths that this area had before, so that a scope that names one of them stays valid."""


class SubStream(_Strict):
    """A second, smaller stream of a camera."""

    url: Annotated[str, AfterValidator(_rtsp_url)]


class CameraTls(_Strict):
    """How a camera of `rtsps://` proves who it is: by an authority, or by its own certificate."""

    ca: str | None = Field(None, pattern=WHOLE_PATH)
    sha256: Annotated[str, AfterValidator(_fingerprint)] | None = None

    @model_validator(mode="after")
    def _has_one(self) -> CameraTls:
        if (self.ca is None) == (self.sha256 is None):
            raise ValueError("needs either `ca` or `sha256`")
        return self


class Camera(ClassPolicy):
    id: str = Field(pattern=CAMERA_ID)
    name: Name
    class_: Literal["A", "B", "C"] = Field(alias="class")
    area: str
    location: Location
    url: Annotated[str, AfterValidator(_rtsp_url)]
    substream: SubStream | None = None
    transport: Literal["tcp", "udp"] = "tcp"
    tls: CameraTls | None = None
    basic_in_clear: bool = False
    """Whether the camera may get the password without encryption, as basic authentication."""
    credentials: str | None = Field(None, pattern=f"^{SECRET_NAME.pattern}$")
    onvif_port: int = Field(80, ge=1, le=65535)
    checkpoint: tuple[Checkpoint, ...] = ()
    masks: tuple[Polygon, ...] = ()
    lanes: tuple[Polygon, ...] = Field((), max_length=15)
    count_lines: tuple[CountLine, ...] = Field((), max_length=15)
    enabled: bool = True

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


def default_classes() -> dict[Literal["A", "B", "C"], ClassPolicy]:
    return {
        "A": ClassPolicy(record="continuous", retention_days=90),
        "B": ClassPolicy(record="continuous", retention_days=30),
        "C": ClassPolicy(record="on_demand", retention_days=30, upload="events"),
    }


class Registry(_Strict):
    version: Literal[1]
    classes: dict[Literal["A", "B", "C"], ClassPolicy] = Field(default_factory=default_classes)
    networks: tuple[AllowedNetwork, ...] = (
        IPv4Network("10.0.0.0/8"),
        IPv4Network("127.0.0.0/8"),
    )
    areas: dict[AreaPath, Area] = Field(default_factory=dict)
    cameras: tuple[Camera, ...] = ()

    @property
    def longest_retention_days(self) -> int:
        """The number of days after which no recording is left. Data of former cameras is kept for
        the same time.
        """
        policies = (*self.cameras, *self.classes.values())
        return max(policy.longest_retention_days for policy in policies)

    def camera(self, camera_id: str) -> Camera | None:
        return next((camera for camera in self.cameras if camera.id == camera_id), None)
