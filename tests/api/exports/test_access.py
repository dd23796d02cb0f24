"""Who may create, see and download exports, what a policy demands, and what the audit log has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from api.access.api_context import SiteRegistry
from domain.camera_scope import CameraScope
from domain.people import Right, Role
from domain.registry import Registry
from storage.site.audit import AuditLine
from tests.api.exports.export_site import ExportSite, asked, open_export_site
from tests.api.policy.policy_site import PolicySite, problem
from tests.api.site_data import REGISTRY

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite

MASK = [[[0, 0], [1, 0], [1, 0.2], [0, 0.2]]]
RANGES = [("east-gate", 1.0, 5.0), ("west-gate", 1.0, 5.0)]


class AccessSite(PolicySite):
    """A site whose policy, registry and people a test sets, with an export of two cameras."""

    exports: ExportSite
    registry: SiteRegistry = SiteRegistry(REGISTRY)

    def create(self, name: str, **headers: str) -> Any:
        return self.send(name, "POST", "/v1/exports", asked(*RANGES), **headers)

    def made(self, name: str) -> str:
        """Create an export, have it read, and return the address of its file."""
        created = self.create(name)
        assert created.status_code == 201, created.text
        self.exports.job.run_once(self.exports.stop)
        return f"/v1/exports/{created.json()['id']}/file"


@pytest.fixture(scope="module")
def module_city(open_module_site: OpenSite) -> AccessSite:
    city = AccessSite()
    city.exports = open_export_site(
        open_module_site, policy=lambda: city.in_force, registry=lambda: city.registry
    )
    city.site = city.exports.site
    return city


@pytest.fixture
def city(module_city: AccessSite) -> AccessSite:
    module_city.exports.restart()
    module_city.registry = SiteRegistry(REGISTRY)
    module_city.apply("{}")
    people = module_city.site.context.people
    for record in people.index.records().records:
        if record.removed_at is None:
            people.remove(record.name)
    for camera in ("east-gate", "west-gate"):
        module_city.exports.record(camera)
    return module_city


def test_a_person_sees_the_own_exports_and_with_the_right_those_of_others(city: AccessSite) -> None:
    operator, other = (city.add(name, Role.OPERATOR) for name in ("zhao", "qian"))
    chief = city.add("sun", Role.INVESTIGATOR)
    limited = city.add("li", Role.INVESTIGATOR, (), CameraScope(cameras=("east-gate",)))
    file = city.made(operator)
    for name, status in ((operator, 200), (other, 404), (chief, 200), (limited, 404)):
        assert city.get(name, file).status_code == status, name
        assert city.get(name, file.removesuffix("/file")).status_code == status, name
        assert len(city.get(name, "/v1/exports").json()["items"]) == (1 if status == 200 else 0)
    assert city.send(other, "DELETE", file.removesuffix("/file")).status_code == 404


def test_the_scope_is_checked_at_the_creation_and_again_at_the_download(city: AccessSite) -> None:
    limited = city.add("li", Role.OPERATOR, (), CameraScope(cameras=("east-gate",)))
    assert problem(city.create(limited)) == (404, "not_found")
    operator = city.add("zhao", Role.OPERATOR)
    file = city.made(operator)
    city.site.context.people.change("zhao", scope=CameraScope(cameras=("east-gate",)))
    assert problem(city.get(operator, file)) == (404, "not_found")


def test_masks_are_checked_at_the_creation_and_again_at_the_download(city: AccessSite) -> None:
    operator = city.add("zhao", Role.OPERATOR)
    file = city.made(operator)
    entries = json.loads(REGISTRY.model_dump_json(by_alias=True))
    for entry in entries["cameras"]:
        entry["masks"] = MASK if entry["id"] == "west-gate" else []
    city.registry = SiteRegistry(Registry.model_validate(entries))
    for answer in (city.create(operator), city.get(operator, file)):
        assert problem(answer) == (403, "forbidden")
        assert "west-gate has privacy masks" in answer.json()["detail"]
    city.add("sun", Role.INVESTIGATOR)
    assert city.get("sun", file).status_code == 200


def test_a_role_without_recordings_has_no_exports(city: AccessSite) -> None:
    auditor = city.add("wu", Role.AUDITOR, (Right.EXPORTS,))
    assert problem(city.create(auditor)) == (403, "forbidden")
    assert problem(city.get(auditor, "/v1/exports")) == (403, "forbidden")


def test_a_policy_for_recordings_is_in_force_for_exports(city: AccessSite) -> None:
    """A site that demands a case of each recording demands it of exports, at both times."""
    operator = city.add("zhao", Role.OPERATOR)
    city.add("sun", Role.INVESTIGATOR)
    file = city.made(operator)
    city.apply("{recordings: {calls: [camera.recording], needs: [case]}}")
    assert problem(city.create(operator)) == (403, "case_required")
    assert problem(city.get(operator, file)) == (403, "case_required")
    city.open_case("2026-118", "sun")
    assert city.get(operator, file, X_Case="2026-118").status_code == 200
    created = city.create(operator, X_Case="2026-118")
    assert (created.status_code, created.json()["case"]) == (201, "2026-118")
    calls = city.get(operator, "/v1/policy").json()["calls"]
    governed = ("camera.recording", "export.create", "export.download")
    assert calls == {call: ["case"] for call in governed}


def test_an_export_of_many_ranges_can_be_approved(city: AccessSite) -> None:
    operator, chief = city.add("zhao", Role.OPERATOR), city.add("sun", Role.INVESTIGATOR)
    city.apply("{exports: {calls: [export.create], needs: [approval]}}")
    body = asked(*(("east-gate", start, start + 1.0) for start in range(64)))
    refused = city.send(operator, "POST", "/v1/exports", body)
    assert problem(refused) == (403, "approval_required")
    requested = city.request(operator, refused)
    assert city.decide(chief, requested["id"]).status_code == 200
    assert city.send(operator, "POST", "/v1/exports", body).status_code == 201


def test_one_creation_and_one_download_are_in_the_audit_log(city: AccessSite) -> None:
    operator = city.add("zhao", Role.OPERATOR)
    file = city.made(operator)
    for first in range(0, 300, 100):
        city.get(operator, file, Range=f"bytes={first}-{first + 99}", X_Reason="for the court")
    lines = [AuditLine.model_validate_json(line) for line in city.site.audit_lines()]
    found = [(line.route, line.phase, line.status) for line in lines if line.person == "zhao"]
    assert found == [
        ("export.create", "intent", None),
        ("export.create", "outcome", 201),
        ("export.download", "access", 206),
    ]
    assert [line.reason for line in lines][-2:] == ["theft 2026-118", "for the court"]
    assert {line.terms["cameras"] for line in lines[-2:]} == {"east-gate, west-gate"}


def test_the_audit_log_finds_exports_by_camera(city: AccessSite) -> None:
    operator, auditor = city.add("zhao", Role.OPERATOR), city.add("wu", Role.AUDITOR)
    city.get(operator, city.made(operator))
    found = city.get(auditor, "/v1/audit?camera=west-gate").json()["items"]
    assert [line["route"] for line in found] == ["export.download", "export.create"]
