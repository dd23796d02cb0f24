"""`sightline user`: people, rights and tokens, from the command line to the look-up of a token."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.camera_scope import CameraScope
from domain.clock import NS_PER_DAY, NS_PER_HOUR, SystemClock, parse_rfc3339
from domain.errors import BadInput
from domain.openid import ProviderIdentity
from domain.paths.data_layout import Layout
from domain.paths.object_keys import person_object
from domain.people import Person, Right, Role
from domain.settings import Settings
from sightline.arguments.people import RIGHTS, ROLES
from sightline.cli import main
from sightline.commands.people import expiry
from sightline.processes.people_key import sign_older_people
from sightline.processes.store_clients import open_stores, opened_people, people_of
from storage.openid.provider_people import ProviderPeople
from storage.site.people import _hash
from tests.kept import START_NS

RunUser = Callable[..., tuple[int, str, str]]


@pytest.fixture
def data(empty_site: Path) -> Path:
    return empty_site


@pytest.fixture
def user(data: Path, capsys: pytest.CaptureFixture[str]) -> RunUser:
    """Run `sightline user …`; return exit code, standard output and standard error."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["user", *words, "--data", str(data)])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def _owner(data: Path, token: str) -> Person | None:
    with opened_people(Layout(data)) as people:
        return people.by_token(token)


def test_the_names_on_the_command_line_are_those_of_the_roles_and_rights() -> None:
    assert tuple(Role) == ROLES
    assert (*Right, "none") == RIGHTS


def test_a_person_is_added_changed_and_removed(data: Path, user: RunUser) -> None:
    code, out, _ = user("add", "li", "--role", "operator", "--grant", "unmasked_view")
    token = out.splitlines()[-1]
    assert (code, token[:3]) == (0, "sl_")
    assert _owner(data, token) == Person("li", Role.OPERATOR, frozenset({Right.UNMASKED_VIEW}))
    assert user("set", "li", "--role", "auditor", "--grant", "none")[0] == 0
    assert _owner(data, token) == Person("li", Role.AUDITOR)
    assert user("remove", "li")[0] == 0
    assert _owner(data, token) is None
    code, out, _ = user("list")
    assert (code, out) == (0, "")


def test_tokens_are_added_replaced_and_revoked(data: Path, user: RunUser) -> None:
    first = user("add", "li", "--role", "operator")[1].splitlines()[-1]
    phone = user("token", "li", "--name", "phone", "--expires", "90d")[1].splitlines()[-1]
    assert _owner(data, first) == _owner(data, phone) == Person("li", Role.OPERATOR)
    replaced = user("token", "li", "--name", "phone")[1].splitlines()[-1]
    assert _owner(data, phone) is None
    assert user("token", "li", "--revoke", "phone")[0] == 0
    assert _owner(data, replaced) is None
    assert _owner(data, first) is not None
    (found,) = json.loads(user("list", "--json")[1])
    assert [one["name"] for one in found["tokens"]] == ["first"]
    assert "token_sha256" not in json.dumps(found)
    assert user("revoke", "li")[0] == 0
    assert _owner(data, first) is None


def test_the_scope_of_a_person(data: Path, user: RunUser) -> None:
    code, out, err = user(
        "add", "li", "--role", "operator", "--area", "a/b", "--area", "c", "--class", "B",
        "--camera", "gate",
    )  # fmt: skip
    assert code == 0
    assert "no area 'a/b'" in err
    assert "no camera 'gate'" in err
    token = out.splitlines()[-1]
    person = _owner(data, token)
    assert person is not None
    assert person.scope == CameraScope(("a/b", "c"), ("B",), ("gate",))
    assert "areas: a/b, c\tclasses: B\tcameras: gate" in user("list")[1]
    assert user("set", "li", "--role", "investigator")[0] == 0
    person = _owner(data, token)
    assert person is not None
    assert person.scope.areas == ("a/b", "c"), "a change of the role keeps the scope"
    assert user("set", "li", "--area", "d")[0] == 0
    person = _owner(data, token)
    assert person is not None
    assert person.scope == CameraScope(areas=("d",))
    assert user("set", "li", "--unlimited")[0] == 0
    person = _owner(data, token)
    assert person is not None
    assert person.scope.is_unlimited
    code, _, err = user("set", "li", "--unlimited", "--area", "d")
    assert (code, "--unlimited stands alone" in err) == (1, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("set", "li"), "--role or --grant"),
        (("set", "li", "--grant", "none", "--grant", "evidence"), "stands alone"),
        (("token", "li", "--revoke", "first", "--name", "x"), "stands alone"),
        (("token", "li", "--revoke", "lost"), "no token 'lost'"),
        (("token", "li", "--expires", "soon"), "--expires 'soon'"),
        (("token", "li", "--expires", "2020-01-01"), "in the future"),
        (("revoke", "wang"), "no person 'wang'"),
        (("remove", "../li"), "not a valid name"),
        (("add", "li", "--role", "operator"), "in use"),
    ],
)
def test_what_cannot_be_done_is_explained(
    user: RunUser, words: tuple[str, ...], message: str
) -> None:
    user("add", "li", "--role", "operator")
    code, _, err = user(*words)
    assert (code, message in err) == (1, True), err


def test_a_forged_record_is_named(data: Path, user: RunUser) -> None:
    user("add", "li", "--role", "operator")
    with open_stores(Layout(data)) as stores:
        forged = json.loads(stores.objects.get(person_object("li", 1)))
        forged |= {"role": "admin", "version": 2}
        stores.objects.put(person_object("li", 2), json.dumps(forged).encode(), "text/json")
    code, _, err = user("list")
    assert code == 1
    assert "the record of li is not signed by this site" in err


OLDER = {
    "name": "li",
    "role": "operator",
    "token_sha256": _hash("sl_older"),
    "added_at": "2026-11-24T13:55:04.000Z",
    "schema": 1,
}


@pytest.mark.parametrize("by_command", [True, False])
def test_records_of_an_older_version_are_signed(
    data: Path, user: RunUser, by_command: bool
) -> None:
    layout = Layout(data)
    with open_stores(layout) as stores:
        stores.objects.put(person_object("li", 1), json.dumps(OLDER).encode(), "text/json")
    code, _, err = user("list")
    assert code == 1
    assert "sightline user sign" in err
    assert _owner(data, "sl_older") is None
    if by_command:
        assert user("sign")[1].splitlines()[-1] == "1 records were signed"
    else:
        with open_stores(layout) as stores:
            people = people_of(stores, Settings(), layout, SystemClock())
            assert sign_older_people(people, Settings(), layout) == ("li",)
    assert _owner(data, "sl_older") == Person("li", Role.OPERATOR)
    with open_stores(layout) as stores:
        stores.objects.put(person_object("wang", 1), json.dumps(OLDER).encode(), "text/json")
        people = people_of(stores, Settings(), layout, SystemClock())
        if not by_command:
            assert sign_older_people(people, Settings(), layout) == (), "it is done once"


def test_a_key_in_the_settings_is_used_and_no_file_is_written(
    data: Path, user: RunUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_PEOPLE_KEY", "k" * 32)
    token = user("add", "li", "--role", "operator")[1].splitlines()[-1]
    assert not Layout(data).people_key.exists()
    assert _owner(data, token) is not None
    monkeypatch.setenv("SIGHTLINE_PEOPLE_KEY", "x" * 32)
    assert _owner(data, token) is None


def test_the_file_of_the_key_is_private(data: Path, user: RunUser) -> None:
    user("add", "li", "--role", "operator")
    assert Layout(data).people_key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [
        (None, None),
        ("12h", START_NS + 12 * NS_PER_HOUR),
        ("90d", START_NS + 90 * NS_PER_DAY),
        ("2026-12-31", parse_rfc3339("2026-12-31T00:00:00Z")),
        ("2026-12-31T08:00:00+08:00", parse_rfc3339("2026-12-31T00:00:00Z")),
    ],
)
def test_an_expiry(text: str | None, expected_ns: int | None) -> None:
    assert expiry(text, START_NS) == expected_ns


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "2026-13-01", "1e3h", "9999999d"])
def test_an_invalid_expiry(text: str) -> None:
    with pytest.raises(BadInput, match="--expires"):
        expiry(text, START_NS)


def test_a_person_of_the_identity_provider_is_listed_removed_and_restored(
    data: Path, user: RunUser
) -> None:
    zhang = ProviderIdentity(
        "https://id.example.cn", "7", "zhang.san", Role.OPERATOR, (), CameraScope()
    )
    layout, clock = Layout(data), SystemClock()
    with open_stores(layout) as stores:
        people = people_of(stores, Settings(), layout, clock)
        name = ProviderPeople(people, stores.redis, clock).admit(zhang).name
    assert "signs in as 7 of https://id.example.cn" in user("list")[1]
    (found,) = json.loads(user("list", "--json")[1])
    assert found["identity"] == {
        "issuer": "https://id.example.cn",
        "subject": "7",
        "name": "zhang.san",
    }
    assert user("remove", name)[0] == 0
    assert user("list")[1] == ""
    assert user("restore", name) == (0, f"{name} can sign in again\n", "")
    assert name in user("list")[1]
    code, _, said = user("restore", name)
    assert (code, "no removed person" in said) == (1, True)
