"""Each state and each kind of fault of a camera is explained where people read it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain.camera_states import CameraState, Why

ROOT = Path(__file__).parent.parent.parent
INTEGRATORS = (ROOT / "docs/integrators.md").read_text("utf-8")
CONSOLE = (ROOT / "console/plain.html").read_text("utf-8")


def documented(column: str) -> set[str]:
    """The words of the first column of the table in `docs/integrators.md` that begins with
    `column`.
    """
    _, _, table = INTEGRATORS.partition(f"\n| {column}")
    rows = table.partition("\n\n")[0].splitlines()[2:]
    return {word for row in rows for word in re.findall(r"`(\w+)`", row.split("|")[1])}


def in_console(name: str) -> list[set[str]]:
    """The words that the console translates, once for each language: Chinese, then English."""
    objects = re.findall(rf"\b{name}: {{(.*?)}}", CONSOLE, re.DOTALL)
    return [set(re.findall(r"(\w+): \"", words)) for words in objects]


def test_each_state_is_documented_and_translated() -> None:
    states = {state.value for state in CameraState}
    assert documented("state") == states
    assert in_console("states") == [states, states]


def test_each_kind_of_fault_is_documented_and_translated() -> None:
    kinds = {why.value for why in Why} - {Why.NONE.value}
    assert documented("`why`") == kinds
    assert in_console("whys") == [kinds, set()], "English shows the sentence"


@pytest.mark.parametrize("state", CameraState)
def test_a_camera_is_not_both_live_and_down(state: CameraState) -> None:
    assert not (state.is_live and state.is_down)
