"""The TURN server that players are offered, and its credentials."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from api.live.ice_servers import ice_server_link
from domain.clock import NS_PER_S
from domain.settings import Settings

NOW_NS = 1_760_000_000 * NS_PER_S
TURN = "turns:turn.example.org:5349?transport=tcp"


def test_a_site_without_a_turn_server_offers_none() -> None:
    assert ice_server_link(Settings(), NOW_NS) is None


def test_a_turn_server_without_a_secret_needs_no_credentials() -> None:
    assert ice_server_link(Settings(webrtc_turn=TURN), NOW_NS) == f'<{TURN}>; rel="ice-server"'


def test_credentials_are_those_that_the_turn_server_computes() -> None:
    settings = Settings(webrtc_turn=TURN, webrtc_turn_secret=SecretStr("north"))
    # printf 1760043200:sightline | openssl dgst -sha1 -hmac north -binary | base64
    assert ice_server_link(settings, NOW_NS) == (
        f'<{TURN}>; rel="ice-server"; username="1760043200:sightline"; '
        'credential="m82NEm/jLbtJy86T+tBMawl5ddk="; credential-type="password"'
    )


@pytest.mark.parametrize("address", ["https://turn.example.org", "turn:", 'turn:a">', "turn:a b"])
def test_another_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="turn:host:port"):
        Settings(webrtc_turn=address)
