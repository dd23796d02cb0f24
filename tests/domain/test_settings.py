"""The error of an invalid setting names it and does not repeat its value."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from domain.errors import BadInput
from domain.settings import FORMER_NAMES, Settings, check_settings, rename_former_settings


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SIGHTLINE_NODE_API_PORT", "hunter2"),
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


def test_a_wrong_setting_is_described_without_words_of_a_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIGHTLINE_TIME_ZONE", "Peking")
    monkeypatch.setenv("SIGHTLINE_WATCH_DAYS", "many")
    with pytest.raises(BadInput) as refused:
        check_settings()
    zone, days = str(refused.value).split("; SIGHTLINE_")
    assert zone.startswith("SIGHTLINE_TIME_ZONE: 'Peking' is no time zone")
    assert days == ("WATCH_DAYS: should be a valid integer, unable to parse string as an integer")


def test_former_names_are_read_with_a_warning_that_has_the_present_name() -> None:
    environ = {
        "SIGHTLINE_DOOR_HOST": "10.3.0.7",
        "SIGHTLINE_DOOR_PORT": "7000",
        "SIGHTLINE_NODE_API_PORT": "7001",
        "SIGHTLINE_NODE": "node-2",
    }
    warnings = rename_former_settings(environ)
    assert environ == {
        "SIGHTLINE_NODE_API_HOST": "10.3.0.7",
        "SIGHTLINE_NODE_API_PORT": "7001",
        "SIGHTLINE_NODE": "node-2",
    }
    assert warnings == [
        "SIGHTLINE_DOOR_HOST has a new name; set SIGHTLINE_NODE_API_HOST instead",
        "SIGHTLINE_DOOR_PORT has a new name; set SIGHTLINE_NODE_API_PORT instead",
    ]
    assert rename_former_settings(environ) == []


def test_the_defaults_are_valid_and_of_the_types_of_their_settings() -> None:
    """They are not validated at each start."""
    defaults = Settings().model_dump()
    assert Settings(**defaults).model_dump() == defaults
    assert Settings.model_validate(defaults, strict=True).model_dump() == defaults


def test_settings_are_read_from_the_environment_whatever_the_case_of_their_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIGHTLINE_WORKERS", "3")
    monkeypatch.setenv("sightline_node", "east")
    monkeypatch.setenv("SIGHTLINE_UNKNOWN", "x")
    monkeypatch.setenv("NODE_API_PORT", "7000")
    settings = Settings()
    assert (settings.workers, settings.node, settings.node_api_port) == (3, "east", 0)


def test_a_value_that_a_caller_gives_has_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_WORKERS", "wrong")
    assert Settings(workers=2).workers == 2


def test_every_present_name_is_a_setting() -> None:
    names = {f"SIGHTLINE_{field.upper()}" for field in Settings.model_fields}
    assert set(FORMER_NAMES.values()) <= names
    assert not FORMER_NAMES.keys() & names
