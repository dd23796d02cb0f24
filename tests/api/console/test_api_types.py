"""The console's types of the API are those of its description.

They have only the calls that the console makes, so that other changes of the API leave them alone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.api.console.npm import CONSOLE, MODULES, run_node

if TYPE_CHECKING:
    from tests.api.conftest import Site

SCHEMA = CONSOLE / "src" / "api" / "schema.d.ts"
GENERATOR = MODULES / "openapi-typescript" / "bin" / "cli.js"
CALL = re.compile(r'\bapi\.(GET|POST|PUT|PATCH|DELETE)\(\s*"([^"]+)"')
NAMED = re.compile(r'\bSchemas\["(\w+)"\]')
REFERENCE = re.compile(r'"#/components/schemas/(\w+)"')


def test_the_types_are_generated_from_the_description(site: Site, tmp_path: Path) -> None:
    whole = site.http.get(f"{site.url}/openapi.json").json()
    description, types = tmp_path / "openapi.json", tmp_path / "schema.d.ts"
    description.write_text(json.dumps(reduced(whole, _sources())), "utf-8")
    run_node(GENERATOR, description, "-o", types)
    if os.environ.get("SIGHTLINE_WRITE_CONSOLE_TYPES"):
        SCHEMA.write_bytes(types.read_bytes())
    assert SCHEMA.read_text("utf-8") == types.read_text("utf-8"), "run `make console-types`"


def _sources() -> str:
    files = sorted((CONSOLE / "src").rglob("*.ts*"))
    return "\n".join(file.read_text("utf-8") for file in files if file != SCHEMA)


def reduced(whole: dict[str, Any], sources: str) -> dict[str, Any]:
    """Return the description of the calls and schemas that the sources name.

    Every failure is a problem document, so one answer stands for all of them.
    """
    paths: dict[str, dict[str, Any]] = {}
    for method, path in sorted(set(CALL.findall(sources))):
        operation = whole["paths"][path][method.lower()]
        paths.setdefault(path, {})[method.lower()] = _without_failures(operation)
    named = {*NAMED.findall(sources), "Problem", *REFERENCE.findall(json.dumps(paths))}
    schemas = whole["components"]["schemas"]
    used = _reachable(named, schemas)
    return {
        "openapi": whole["openapi"],
        "info": {"title": whole["info"]["title"], "version": ""},
        "paths": paths,
        "components": {"schemas": {name: schemas[name] for name in sorted(used)}},
    }


def _without_failures(operation: dict[str, Any]) -> dict[str, Any]:
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    answers = {
        status: {"description": "", "content": _json_of(answer)}
        for status, answer in operation["responses"].items()
        if status.startswith("2")
    }
    answers["default"] = {"description": "", "content": {"application/problem+json": problem}}
    parameters = [one for one in operation.get("parameters", []) if one.get("in") != "header"]
    kept = {name: operation[name] for name in ("requestBody",) if name in operation}
    return {**kept, "parameters": parameters, "responses": answers}


def _json_of(answer: dict[str, Any]) -> dict[str, Any]:
    content = answer["content"]["application/json"]
    return {"application/json": {"schema": content["schema"]}}


def _reachable(names: Iterable[str], schemas: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += REFERENCE.findall(json.dumps(schemas[name]))
    return found
