"""docs/api.md has every route, parameter and problem."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.requests.declarations import Declaration
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
        f"{'yes' if route.reads_reason else 'no'} |" in section
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
