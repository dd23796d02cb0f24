"""The API does not start with settings of OpenID Connect that are not complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.cli import main


def test_settings_that_are_not_complete_are_named_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGHTLINE_OPENID_ISSUER", "https://id.example.cn")
    assert main(["api", "--data", str(tmp_path / "data")]) == 1
    said = capsys.readouterr().err
    assert "SIGHTLINE_OPENID_CLIENT_ID" in said
    assert "SIGHTLINE_ORIGINS" in said
    assert not list((tmp_path / "data").glob("*.json"))
