"""Messages are plain text, in colour on a terminal alone."""

from __future__ import annotations

import os
import pty
import sys

import pytest

from sightline.commands.messages import Colour, print_message


def test_a_message_in_a_file_has_no_colour_and_no_control_character(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_message("line 1\nthe camera says \x1b[2J", Colour.RED)
    assert capsys.readouterr() == ("", "line 1\nthe camera says \\x1b[2J\n")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, b"\x1b[33mtake care\x1b[0m"), ({"NO_COLOR": "1"}, b"take care")],
)
def test_a_terminal_shows_colours_unless_the_person_wants_none(
    environment: dict[str, str], expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        print_message("take care", Colour.YELLOW)
        assert os.read(ours, 100).rstrip() == expected
        print_message("x")
        assert os.read(ours, 100).rstrip() == b"x"
    os.close(ours)
