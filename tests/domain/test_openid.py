"""The settings of OpenID Connect are checked together, with an error that names the wrong one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain.errors import BadInput
from domain.openid import ClaimRole, OpenIdSettings, openid_settings
from domain.people import Right, Role
from domain.settings import Settings

ORIGINS = ("https://sightline.example.cn",)
ROLES = {"city-operators": {"role": "operator", "grants": ["audit_read"]}}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("hunter2-hunter2\n")
    return file


def _read(
    secret: Path | None, origins: tuple[str, ...] = ORIGINS, **changes: str
) -> OpenIdSettings | None:
    fields: dict[str, object] = {
        "openid_issuer": "https://id.example.cn/realms/city",
        "openid_client_id": "sightline",
        "openid_client_secret_file": secret,
        "openid_roles": json.dumps(ROLES),
    }
    return openid_settings(Settings.model_validate(fields | changes), origins)


def test_the_settings_of_a_provider_are_read(secret: Path) -> None:
    read = _read(secret)
    assert read is not None
    assert read.client_secret == "hunter2-hunter2"
    assert read.redirect_uri == "https://sightline.example.cn/v1/session/openid/callback"
    assert read.roles == {
        "city-operators": ClaimRole(role=Role.OPERATOR, grants=(Right.AUDIT_READ,))
    }
    assert "hunter2" not in repr(read)


def test_a_site_without_a_provider_needs_none_of_them() -> None:
    assert openid_settings(Settings(), ()) is None


def test_missing_settings_are_named() -> None:
    with pytest.raises(BadInput) as refused:
        openid_settings(Settings(openid_issuer="https://id.example.cn"), ())
    for name in ("OPENID_CLIENT_ID", "OPENID_CLIENT_SECRET_FILE", "ORIGINS", "OPENID_ROLES"):
        assert f"SIGHTLINE_{name}" in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"openid_issuer": "http://id.example.cn"}, "SIGHTLINE_OPENID_ISSUER"),
        ({"openid_issuer": "https://admin:hunter2@id.example.cn"}, "SIGHTLINE_OPENID_ISSUER"),
        ({"openid_issuer": "https://id.example.cn?x=1"}, "SIGHTLINE_OPENID_ISSUER"),
        ({"openid_issuer": "https://id.example.cn:99999"}, "SIGHTLINE_OPENID_ISSUER"),
        ({"openid_scopes": "profile"}, "SIGHTLINE_OPENID_SCOPES"),
        ({"openid_roles": "operator"}, "not JSON at character 1"),
        ({"openid_roles": "{}"}, "maps no value"),
        ({"openid_roles": '{"a": {"role": "mayor"}}'}, r"a\.role"),
        ({"openid_roles": '{"a": {"role": "metrics"}}'}, "role of machines"),
        ({"openid_roles": '{"a": {"role": "operator", "grants": ["all"]}}'}, r"a\.grants\.0"),
        ({"openid_roles": '{"a": {"role": "operator", "rights": []}}'}, r"a\.rights"),
        ({"openid_roles": '["operator"]'}, "the whole value"),
    ],
)
def test_a_wrong_setting_is_named(secret: Path, changes: dict[str, str], named: str) -> None:
    with pytest.raises(BadInput, match=named) as refused:
        _read(secret, ORIGINS, **changes)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("origin", ["http://sightline.example.cn", "http://10.3.0.2:8080"])
def test_plain_http_is_for_loopback_only(secret: Path, origin: str) -> None:
    assert _read(secret, ("http://127.0.0.1:8080",)) is not None
    assert _read(secret, ("http://localhost:8080",)) is not None
    with pytest.raises(BadInput, match="SIGHTLINE_ORIGINS"):
        _read(secret, (origin,))


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff\xfe", b"x" * 5000])
def test_a_file_without_a_secret_is_refused(secret: Path, content: bytes) -> None:
    secret.write_bytes(content)
    with pytest.raises(BadInput, match="SIGHTLINE_OPENID_CLIENT_SECRET_FILE"):
        _read(secret)
