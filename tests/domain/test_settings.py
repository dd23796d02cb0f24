"""The error of an invalid setting names it and does not repeat its value."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from domain.errors import BadInput
from domain.settings import Settings, check_settings


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SIGHTLINE_DOOR_KEY", "hunter2"),
        ("SIGHTLINE_DOOR_PORT", "hunter2"),
        ("SIGHTLINE_NODE", "admin:hunter2"),
        ("SIGHTLINE_RTSP_READER", "hunter2"),
        ("SIGHTLINE_WEBHOOK_NETWORKS", "10.0.0.0/8,hunter2"),
        ("SIGHTLINE_TRUSTED_PROXIES", "10.0.0.0/8,hunter2"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_repeated(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadInput, match=variable) as refused:
        check_settings()
    assert "hunter2" not in str(refused.value)
    with pytest.raises(ValidationError) as invalid:  # what a child process writes to its log
        Settings()
    assert "hunter2" not in str(invalid.value)
