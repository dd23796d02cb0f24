"""`sightline user password`: the password comes from standard input and is stored nowhere."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.clock import SystemClock
from domain.one_time_codes import new_secret
from domain.passwords import HashCost, PasswordHasher
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.cli import main
from sightline.processes.store_clients import open_stores, opened_people, people_of
from storage.sign_in.attempts import SignInAttempts
from storage.sign_in.second_factors import SecondFactors
from storage.sign_in.secrets import SignInSecrets

RunUser = Callable[..., tuple[int, str, str]]
PASSWORD = "correct horse battery"


@pytest.fixture
def user(
    empty_site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> RunUser:
    """Run `sightline user …` with a line of standard input; return exit code and output."""

    def run(*words: str, line: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(line))
        code = main(["user", *words, "--data", str(empty_site)])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def _password_hash(data: Path) -> tuple[str | None, int]:
    with opened_people(Layout(data)) as people:
        record = people.get("li")
        return SignInSecrets(people, SystemClock()).password_hash(record), record.session_generation


def test_a_password_is_set_and_removed(empty_site: Path, user: RunUser) -> None:
    user("add", "li", "--role", "operator")
    code, out, _ = user("password", "li", line=f"{PASSWORD}\n")
    assert (code, "all sessions have ended" in out) == (0, True)
    stored, generation = _password_hash(empty_site)
    assert stored is not None
    assert "m=65536,t=3,p=1" in stored
    assert PasswordHasher(HashCost(64, 3)).is_right(stored, PASSWORD)
    assert generation == 1
    assert user("password", "li", "--remove")[0] == 0
    assert _password_hash(empty_site) == (None, 2)
    lines = "".join(file.read_text("utf-8") for file in empty_site.rglob("audit/*.jsonl"))
    routes = [json.loads(line)["route"] for line in lines.splitlines()]
    assert routes.count("command.user_password") == 4
    assert PASSWORD not in lines


def test_a_second_factor_is_reset(empty_site: Path, user: RunUser) -> None:
    user("add", "li", "--role", "operator")
    code, _, error = user("reset-second-factor", "li")
    assert (code, "has no second factor" in error) == (1, True)
    layout, clock = Layout(empty_site), SystemClock()
    with open_stores(layout) as stores:
        people = people_of(stores, Settings(), layout, clock)
        factors = SecondFactors(people, SignInAttempts(stores.redis, clock), clock)
        factors.enrol("li", factors.encrypted("li", new_secret()))
    assert user("reset-second-factor", "li")[0] == 0
    with opened_people(layout) as people:
        record = people.get("li")
    assert (record.second_factor, record.session_generation) == (None, 1)


def test_a_weak_password_or_an_unknown_name_is_refused(empty_site: Path, user: RunUser) -> None:
    user("add", "li", "--role", "operator")
    code, _, error = user("password", "li", line="short\n")
    assert (code, "at least 12" in error) == (1, True)
    code, _, error = user("password", "wang", line=f"{PASSWORD}\n")
    assert (code, "no person" in error) == (1, True)
    assert _password_hash(empty_site) == (None, 0)
