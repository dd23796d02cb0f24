"""Saved views: who sees, changes and deletes them, and what of their cameras a person sees."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from domain.camera_scope import CameraScope
from domain.paths.object_keys import SAVED_VIEWS_PREFIX
from domain.people import Right, Role
from storage.site import saved_views
from tests.people import PEOPLE_KEY

if TYPE_CHECKING:
    from tests.api.conftest import Site

PATH = "/v1/saved-views"
GATES = {"name": "the gates", "tiles": 4, "cameras": ["east-gate", "", "school", ""]}
STREET = "danjiangkou/junzhou"


@pytest.fixture(autouse=True)
def _no_saved_views(site: Site) -> None:
    for found in list(site.context.objects.list(SAVED_VIEWS_PREFIX)):
        site.context.objects.delete(found.key)


def save(site: Site, role: Role = Role.OPERATOR, **changes: object) -> dict[str, Any]:
    answer = site.get(PATH, role, method="POST", body=GATES | changes, reason=None)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{PATH}/{found['id']}"
    return found


def names(site: Site, role: Role) -> list[str]:
    return [view["name"] for view in site.get(PATH, role, reason=None).json()["items"]]


def test_an_own_view_is_for_its_maker_alone(site: Site) -> None:
    saved = save(site)
    assert {name: saved[name] for name in ("name", "tiles", "cameras", "is_shared")} == {
        "name": "the gates",
        "tiles": 4,
        "cameras": ["east-gate", "", "school"],
        "is_shared": False,
    }
    assert (saved["may_change"], saved["hidden_camera_count"]) == (True, 0)
    assert names(site, Role.OPERATOR) == ["the gates"]
    assert names(site, Role.INVESTIGATOR) == []
    path = f"{PATH}/{saved['id']}"
    assert site.get(path, Role.INVESTIGATOR).status_code == 404
    assert site.get(path, Role.INVESTIGATOR, method="DELETE").status_code == 404
    assert site.get(path, Role.OPERATOR).json() == saved


def test_a_shared_view_is_changed_by_its_maker_alone(site: Site) -> None:
    path = f"{PATH}/{save(site, is_shared=True)['id']}"
    assert names(site, Role.INVESTIGATOR) == ["the gates"]
    assert not site.get(path, Role.INVESTIGATOR).json()["may_change"]
    change = {"tiles": 1, "cameras": ["west-gate"]}
    refused = site.get(path, Role.INVESTIGATOR, method="PATCH", body=change)
    assert (refused.status_code, "administrators" in refused.text) == (403, True)
    changed = site.get(path, Role.OPERATOR, method="PATCH", body=change).json()
    assert (changed["tiles"], changed["cameras"], changed["name"]) == (
        1,
        ["west-gate"],
        "the gates",
    )
    assert site.get(path, Role.OPERATOR, method="DELETE").status_code == 200
    assert names(site, Role.INVESTIGATOR) == []
    assert site.get(path, Role.OPERATOR).status_code == 404


def test_an_administrator_deletes_shared_views_and_no_own_ones(site: Site) -> None:
    shared, own = save(site, is_shared=True), save(site)
    admin = site.context.people.add("views.admin", Role.ADMIN, [Right.LIVE_VIEW])
    site.tokens[Role.ADMIN] = admin.token
    assert site.get(f"{PATH}/{own['id']}", Role.ADMIN, method="DELETE").status_code == 404
    assert site.get(f"{PATH}/{shared['id']}", Role.ADMIN, method="DELETE").status_code == 200


def test_an_old_version_is_not_changed(site: Site) -> None:
    path = f"{PATH}/{save(site)['id']}"
    tag = site.get(path, Role.OPERATOR).headers["ETag"]
    sent = [
        site.get(path, Role.OPERATOR, method="PATCH", body={"name": name}, If_Match=tag)
        for name in ("all gates", "no gates")
    ]
    assert [answer.status_code for answer in sent] == [200, 412]
    assert sent[0].headers["ETag"] == f'"{sent[0].json()["version"]}"' != tag
    deleted = site.get(path, Role.OPERATOR, method="DELETE", If_Match=tag)
    assert (deleted.status_code, names(site, Role.OPERATOR)) == (412, ["all gates"])


def test_a_repeated_request_saves_one_view(site: Site) -> None:
    for _ in range(2):
        answer = site.get(PATH, method="POST", body=GATES, Idempotency_Key="the-same-request")
        assert answer.status_code == 201
    assert names(site, Role.INVESTIGATOR) == ["the gates"]


def test_cameras_of_other_areas_are_left_out_and_counted(site: Site) -> None:
    save(site, is_shared=True)
    save(site, name="elsewhere", cameras=["school"], is_shared=True)
    limited = site.context.people.add(
        "views.street", Role.OPERATOR, scope=CameraScope(areas=(STREET,))
    )
    site.tokens[Role.OPERATOR] = limited.token
    (view,) = site.get(PATH, Role.OPERATOR).json()["items"]
    assert (view["name"], view["cameras"], view["hidden_camera_count"]) == (
        "the gates",
        ["east-gate", "", ""],
        1,
    )
    hidden = site.get(PATH, Role.OPERATOR, method="POST", body=GATES)
    assert (hidden.status_code, "no camera 'school'" in hidden.text) == (404, True)


def test_tiles_with_hidden_cameras_are_not_overwritten(site: Site) -> None:
    people = site.context.people
    site.tokens[Role.OPERATOR] = people.add("views.moved", Role.OPERATOR).token
    path = f"{PATH}/{save(site)['id']}"
    people.change("views.moved", scope=CameraScope(areas=(STREET,)))
    change = {"cameras": ["east-gate"]}
    refused = site.get(path, Role.OPERATOR, method="PATCH", body=change)
    assert (refused.status_code, "outside of your scope" in refused.text) == (403, True)
    renamed = site.get(path, Role.OPERATOR, method="PATCH", body={"name": "my gate"}).json()
    people.change("views.moved", scope=CameraScope())
    found = site.get(path, Role.OPERATOR).json()
    assert (renamed["name"], found["cameras"]) == ("my gate", ["east-gate", "", "school"])


def test_the_number_of_views_is_limited(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MOST_OF_A_PERSON", 1)
    save(site, Role.INVESTIGATOR)
    more = site.get(PATH, Role.INVESTIGATOR, method="POST", body=GATES)
    assert (more.status_code, "has 1 saved views" in more.text) == (400, True)
    monkeypatch.setattr(saved_views, "MOST_OF_THE_SITE", 1)
    more = site.get(PATH, Role.OPERATOR, method="POST", body=GATES)
    assert (more.status_code, "the site has 1 saved views" in more.text) == (400, True)


def test_the_records_of_deleted_views_and_of_changes_are_limited(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each record is kept, so that a person cannot fill the store by saving and deleting."""
    monkeypatch.setattr(saved_views, "MOST_OF_A_DAY", 2)
    monkeypatch.setattr(saved_views, "MOST_CHANGES", 2)
    for _ in range(2):
        path = f"{PATH}/{save(site)['id']}"
        assert site.get(path, Role.OPERATOR, method="DELETE").status_code == 200
    more = site.get(PATH, Role.OPERATOR, method="POST", body=GATES)
    assert (more.status_code, "has saved 2 views today" in more.text) == (400, True)
    path = f"{PATH}/{save(site, Role.INVESTIGATOR)['id']}"
    for name, status in (("b", 200), ("c", 400)):
        answer = site.get(path, Role.INVESTIGATOR, method="PATCH", body={"name": name})
        assert answer.status_code == status, answer.text
    assert site.get(path, Role.INVESTIGATOR, method="DELETE").status_code == 200


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cameras": ["", "", "", "", "east-gate"]}, "tile 5"),
        ({"cameras": ["east-gate", "east-gate"]}, "twice"),
        ({"cameras": ["", ""]}, "only empty tiles"),
        ({"cameras": ["never-gate"]}, "never-gate"),
        ({"tiles": 5}, "tiles"),
        ({"name": " "}, "name"),
        ({"name": "a\u202eb"}, "name"),
    ],
)
def test_a_wrong_view_is_refused_with_the_reason(
    site: Site, changes: dict[str, object], says: str
) -> None:
    answer = site.get(PATH, Role.OPERATOR, method="POST", body=GATES | changes)
    assert answer.status_code in (400, 404)
    assert says in answer.text
    assert names(site, Role.OPERATOR) == []


def test_a_forged_record_is_not_used_and_is_named(site: Site) -> None:
    key = f"{SAVED_VIEWS_PREFIX}{save(site, is_shared=True)['id']}/0000000001.json"
    objects = site.context.objects
    forged = json.loads(objects.get(key)) | {"name": "forged"}
    objects.put(key, json.dumps(forged).encode(), "application/json")
    reopened = saved_views.SavedViews(objects, PEOPLE_KEY, site.context.clock)
    assert reopened.all().records == ()
    assert [one.key for one in reopened.all().damaged] == [key]


def test_changes_are_in_the_audit_log(site: Site) -> None:
    path = f"{PATH}/{save(site)['id']}"
    body = {"is_shared": True, "cameras": ["", "east-gate"]}
    assert site.get(path, Role.OPERATOR, method="PATCH", body=body, reason=None).status_code == 200
    assert site.get(path, Role.OPERATOR, method="DELETE", reason=None).status_code == 200
    created, changed, deleted = (json.loads(line) for line in site.audit_lines()[1::2])
    assert changed["terms"]["is_shared"] == "1"
    assert changed["terms"]["cameras"] == ",east-gate"
    assert (created["route"], created["terms"]["name"]) == ("saved_view.create", "the gates")
    assert (deleted["route"], deleted["terms"]["id"]) == (
        "saved_view.delete",
        created["terms"]["saved_view"],
    )
