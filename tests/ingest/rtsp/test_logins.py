"""Passwords that an RTSP server accepts or refuses, and how a refusal is reported."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr

from domain.errors import SourceRejected
from domain.registry import Credentials
from simulator import SimCamera, Simulator
from tests.ingest.conftest import MakeSource, Puller

PASSWORDS = ["plain", "a:b/c@d%e#f?g[h]", ' space "quote" \\', "密码警用", "%41+&=;"]


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
@pytest.mark.parametrize("password", PASSWORDS)
def test_any_password_logs_in(
    password: str, clips: dict[str, Path], transport: str, source_of: MakeSource, pull: Puller
) -> None:
    credentials = Credentials("操作员", SecretStr(password))
    with Simulator(
        [SimCamera("gate", clips["h264"], mode="on_play", user="操作员", password=password)]
    ) as sim:
        got = pull(source_of(sim.url("gate"), transport, credentials=credentials), most=2)
    assert got.error is None
    assert len(got.packets) == 2


@pytest.mark.parametrize("transport", ["tcp", "libavformat"])
@pytest.mark.parametrize("credentials", [None, Credentials("admin", SecretStr("s3cret@wrong"))])
def test_a_wrong_password_is_reported_and_never_shown(
    credentials: Credentials | None,
    clips: dict[str, Path],
    transport: str,
    source_of: MakeSource,
    pull: Puller,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Simulator([SimCamera("gate", clips["h264"], user="admin", password="right")]) as sim:
        source = source_of(sim.url("gate"), transport, credentials=credentials)
        got = pull(source)
    assert isinstance(got.error, SourceRejected)
    asked = "requires a user name" if credentials is None else "refuses the user name"
    assert asked in str(got.error)
    seen = (
        "".join(traceback.format_exception(got.error))
        + caplog.text
        + repr(source)
        + repr(vars(source))
    )
    assert got.error.__context__ is None
    assert got.error.__cause__ is None
    assert "s3cret" not in seen


def test_a_login_too_long_for_the_library_is_refused_not_cut(
    source_of: MakeSource, pull: Puller
) -> None:
    got = pull(
        source_of(
            "rtsp://127.0.0.1:9/x",
            "libavformat",
            credentials=Credentials("admin", SecretStr("x" * 140)),
        )
    )
    assert isinstance(got.error, SourceRejected)
    assert "too long" in str(got.error)
