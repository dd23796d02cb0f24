"""Links of the OpenAPI description: which requests an answer leads to.

A link says that the id in an answer is a parameter of another request. Each path below that of a
list, or of what a request creates, has one. Tools follow them to test sequences of requests.
"""

from __future__ import annotations

import re
from typing import Any

_ONE_PARAMETER = re.compile(r"^/\{(\w+)\}(?:/[^{}]*)?$")
_LISTED, _CREATED = "$response.body#/items/0/", "$response.body#/"


def add_links(spec: dict[str, Any]) -> None:
    """Add the links to the answers of all lists, and of all requests that create something."""
    collections = {path: one for path, one in spec["paths"].items() if "{" not in path}
    for path, operations in collections.items():
        for method, status, start in (("get", "200", _LISTED), ("post", "201", _CREATED)):
            answer = operations.get(method, {}).get("responses", {}).get(status)
            if answer is None:
                continue
            fields = _fields(spec, answer, is_list=start == _LISTED)
            links = _links(spec, path, fields, start)
            if start == _LISTED and "next" in _fields(spec, answer, is_list=False) and fields:
                links |= {"next": _link(operations[method], {"next": "$response.body#/next"})}
            if links:
                answer["links"] = links


def _links(spec: dict[str, Any], path: str, fields: set[str], start: str) -> dict[str, Any]:
    """Return a link to each operation below `path` whose only parameter is in the answer."""
    links: dict[str, Any] = {}
    for below, operations in spec["paths"].items():
        match = _ONE_PARAMETER.fullmatch(below.removeprefix(path))
        if match is None or not below.startswith(path) or match[1] not in fields:
            continue
        for operation in operations.values():
            parameters = {match[1]: f"{start}{match[1]}"}
            links[operation["operationId"]] = _link(operation, parameters)
    return links


def _link(operation: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    return {"operationId": operation["operationId"], "parameters": parameters}


def _fields(spec: dict[str, Any], answer: dict[str, Any], is_list: bool) -> set[str]:
    """Return the names of the fields of a JSON answer, or of the items of its list."""
    schema = _resolved(spec, answer.get("content", {}).get("application/json", {}).get("schema"))
    if is_list:
        schema = _resolved(spec, schema.get("properties", {}).get("items", {}).get("items"))
    return set(schema.get("properties", {}))


def _resolved(spec: dict[str, Any], schema: dict[str, Any] | None) -> dict[str, Any]:
    if schema is None:
        return {}
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: dict[str, Any] = spec["components"]["schemas"][name] if name else schema
    return found
