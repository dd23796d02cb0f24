"""Settings for access to the API, sign-in, and what the console shows."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator

from domain.settings_groups.environment import EnvironmentFields
from domain.settings_groups.parts import parts_of

_TILE_ADDRESS = re.compile(r"(https?://[\w.:\[\]-]+)?/(?!/)[\w.~/{}?=&%-]*", re.ASCII)
_TIME_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
_ORIGIN = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?")


class AccessFields(EnvironmentFields):
    """A part of `Settings`."""

    reason_required: bool = Field(
        True, description="refuse access to plates, clips and pictures without X-Reason"
    )
    policy: Path | None = Field(
        None,
        description="access policy file: which calls need a reason, a case or an approval; it is "
        "read again after each change; unset: none",
    )
    time_zone: str = Field(
        "Asia/Shanghai",
        description="time zone of the city, by its IANA name; the console shows times in it",
    )
    viewer_overlay: bool = Field(
        False,
        description="show the name of the person and the time over live video and playback in the "
        "console",
    )
    map_tiles: str = Field(
        "",
        description="address of the raster tiles of the console's maps with {z}, {x} and {y}, such "
        "as https://tiles.city/{z}/{x}/{y}.png; empty: a plain ground",
    )
    map_file: Path | None = Field(
        None,
        description="PMTiles file with vector tiles (MVT) or raster tiles (PNG, JPEG, WebP) for "
        "the console's maps, which the API serves; unset: none",
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

    @field_validator("time_zone")
    @classmethod
    def _is_time_zone(cls, name: str) -> str:
        try:
            if _TIME_ZONE.fullmatch(name):
                ZoneInfo(name)
                return name
        except (LookupError, ValueError, OSError):  # OSError: a folder of zones, such as Asia
            pass
        raise ValueError(f"{name!r} is no time zone; the name is one such as Asia/Shanghai")

    @field_validator("map_tiles")
    @classmethod
    def _is_tile_address(cls, text: str) -> str:
        has_parts = all(part in text for part in ("{z}", "{x}", "{y}"))
        if text and not (has_parts and _TILE_ADDRESS.fullmatch(text)):
            raise ValueError("must be http(s)://host/… or /…, with {z}, {x} and {y}")
        return text

    @field_validator("map_file")
    @classmethod
    def _is_only_map(cls, path: Path | None, known: ValidationInfo) -> Path | None:
        if path is not None and known.data.get("map_tiles"):
            raise ValueError("names a base map, and SIGHTLINE_MAP_TILES another; set one of them")
        return path

    @property
    def map_tiles_origin(self) -> str:
        """The origin of the tiles, which the console may load; empty if it is the site's own."""
        parts = urlsplit(self.map_tiles)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, text: str) -> str:
        for number, origin in enumerate(parts_of(text), start=1):
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
    def site_origins(self) -> tuple[str, ...]:
        return parts_of(self.origins)

    @property
    def allowed_webhook_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return _networks(self.webhook_networks)

    @property
    def trusted_proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return _networks(self.trusted_proxies)


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(_network(part, number) for number, part in enumerate(parts_of(text), start=1))


def _network(text: str, number: int) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"entry {number} is not a network such as 10.3.0.0/16") from error
