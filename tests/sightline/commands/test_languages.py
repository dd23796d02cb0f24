"""The commands print errors and faults in the language of the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import Fault, NotFound, RegistryInvalid
from domain.messages.message import Message
from sightline.cli import main
from sightline.commands.languages import error_text, localized

CLOSED = NotFound("{segment} was deleted", segment="x")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "x was deleted"),
        ({"LANG": "C.UTF-8"}, "x was deleted"),
        ({"LANG": "zh_CN.UTF-8"}, "x 已被清除"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_CN"}, "x 已被清除"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "x was deleted"),
        ({"LC_ALL": "", "LANG": "zh_TW"}, "x 已被清除"),
    ],
)
def test_the_locale_of_messages_decides(environ: dict[str, str], expected: str) -> None:
    assert error_text(CLOSED, environ) == expected


def test_each_fault_is_a_line() -> None:
    key = Message("unknown key `{key}`", key="urll")
    invalid = RegistryInvalid((Fault("r.yaml", 1, 2, key), Fault("r.yaml", 3, 4, key)))
    assert error_text(invalid, {"LANG": "zh_CN"}) == (
        "r.yaml:1:2：没有键 `urll`\nr.yaml:3:4：没有键 `urll`"
    )


def test_a_message_without_a_translation_is_english() -> None:
    assert localized(Message("the moon is {color}", color="blue"), {"LANG": "zh"}) == (
        "the moon is blue"
    )


def test_an_error_of_a_command_is_translated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    absent = tmp_path / "absent"
    assert main(["cameras", "list", "--data", str(absent)]) == 1
    assert capsys.readouterr().err == (
        f"sightline: 没有数据目录 {absent}；请用 --data 指定由 `sightline up` 或 "
        "`sightline demo` 建立的目录\n"
    )
