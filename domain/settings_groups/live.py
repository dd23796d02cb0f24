"""Settings for live video and the feed of events."""

from __future__ import annotations

import re
from ipaddress import ip_address

from pydantic import Field, SecretStr, field_validator

from domain.settings_groups.environment import EnvironmentFields
from domain.settings_groups.parts import parts_of


class LiveFields(EnvironmentFields):
    """A part of `Settings`."""

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
        for part in parts_of(text):
            ip_address(part)  # It raises ValueError, which names the part.
        return text

    @property
    def webrtc_address_list(self) -> tuple[str, ...]:
        return parts_of(self.webrtc_addresses)
