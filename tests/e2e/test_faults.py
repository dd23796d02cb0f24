"""A short campaign of random faults, and the invariants after it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.faults.__main__ import run
from benchmarks.faults.random_faults import Campaign
from benchmarks.faults.random_plan import ACTIONS, passings_of, random_actions
from simulator.footage import truth_of
from tests.footage import Footage

SHORT_S = 26.0


def test_every_action_comes_before_any_comes_twice_and_a_seed_repeats_them() -> None:
    actions = random_actions(random.Random(7), 600)
    assert {action.name for action in actions[: len(ACTIONS)]} == set(ACTIONS)
    assert actions == random_actions(random.Random(7), 600)
    assert all(5 <= action.at_s < 595 for action in actions)


def test_passes_go_on_with_the_loop(tmp_path: Path) -> None:
    truth = tmp_path / "t.json"
    truth.write_text(
        json.dumps(
            {"fps": 10, "frames": 100, "passes": [{"plate": "A", "enter_s": 1.0, "leave_s": 4.0}]}
        )
    )
    assert [one.enter_s for one in passings_of(truth, 25)] == [1.0, 11.0, 21.0]
    assert [one.enter_s for one in passings_of(truth, 23)] == [1.0, 11.0]


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_nothing_is_lost(
    footage: Footage, models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_WORKERS", "1")
    video = footage.plates
    result = Campaign(
        random.SystemRandom().randrange(1 << 16), SHORT_S, video, truth_of(video), tmp_path, print
    ).run()
    assert result.holds, result
    assert result.actions
    assert result.viewings


SHORT = ("server-killed", "timestamps-jump", "codec-change", "worker-killed")


@pytest.mark.e2e
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("models_folder")
def test_single_faults_affect_no_other_camera_and_the_ledger_is_correct(tmp_path: Path) -> None:
    verdicts = run(frozenset(SHORT), 4.0, tmp_path, Console(stderr=True))
    assert [verdict.name for verdict in verdicts] == list(SHORT)
    assert [verdict for verdict in verdicts if not verdict.holds] == []
    assert all(verdict.others >= 3 for verdict in verdicts)
