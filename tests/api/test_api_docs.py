"""docs/api.md and the OpenAPI description have every route, parameter and problem."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.requests.declarations import Access, Declaration
from api.requests.problems import KINDS, OTHER, Kind
from api.routes import ROUTES

if TYPE_CHECKING:
    from tests.api.conftest import Site

DOCS = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")


def section_of(route: Declaration) -> str:
    """Return the text under `### GET /path`, up to the next heading."""
    heading = f"### {route.method} {route.path}\n"
    assert heading in DOCS, f"docs/api.md lacks the heading {heading!r}"
    return DOCS.partition(heading)[2].partition("\n##")[0]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_every_route_is_documented_with_right_scope_and_audit_term(route: Declaration) -> None:
    section = section_of(route)
    assert (
        f"| {route.right} | {route.scope} | {route.audit or '-'} | "
        f"{'yes' if route.is_evidence_access else 'no'} |" in section
    )
    assert "curl" in section, "an example"


def test_every_parameter_is_documented(site: Site) -> None:
    paths: dict[str, dict[str, Any]] = site.http.get(f"{site.url}/openapi.json").json()["paths"]
    for route in ROUTES:
        for parameter in paths[route.path][route.method.lower()].get("parameters", []):
            if parameter["in"] == "query":
                assert f"`{parameter['name']}`" in section_of(route), (
                    f"{route.path}: {parameter['name']}"
                )


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind is not OTHER], ids=lambda kind: kind.name
)
def test_every_problem_is_documented(kind: Kind) -> None:
    assert f"| `{kind.name}` | {kind.status} |" in DOCS


def test_openapi_is_complete(site: Site) -> None:
    spec: dict[str, Any] = site.http.get(f"{site.url}/openapi.json").json()
    assert spec["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert "Problem" in spec["components"]["schemas"]
    assert set(spec["paths"]) == {route.path for route in ROUTES}
    for route in ROUTES:
        operation = spec["paths"][route.path][route.method.lower()]
        assert operation["description"] or operation["summary"], route.path
        assert route.media_type in operation["responses"]["200"]["content"]
        assert "422" not in operation["responses"]
        assert ("security" in operation) is (route.right is not Access.ANYONE)
        assert "application/problem+json" in operation["responses"]["400"]["content"]
        headers = {
            parameter["name"]
            for parameter in operation.get("parameters", [])
            if parameter["in"] == "header"
        }
        assert ("X-Reason" in headers) is route.is_evidence_access


def test_openapi_knows_the_models(site: Site) -> None:
    schemas = site.http.get(f"{site.url}/openapi.json").json()["components"]["schemas"]
    assert {
        "EventList",
        "EventView",
        "CameraView",
        "Journey",
        "CoverageView",
        "SessionView",
        "Readiness",
    } <= set(schemas)
    assert schemas["EventView"]["properties"]["started_at"]["format"] == "date-time"
    assert {"class", "schema"} <= set(schemas["EventView"]["properties"])
