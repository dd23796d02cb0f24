"""The console names every action of the audit log in both languages."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from api.openid.session_check import END_ROUTE
from api.openid.sign_in_audit import SIGN_IN_ROUTE
from api.routes import ROUTES
from sightline.active_policy import AUDIT_TERM
from sightline.cli import _parser
from tests.api.console.npm import run_node

if TYPE_CHECKING:
    from tests.api.conftest import Site

ROOT = Path(__file__).parents[3]
OF_PROCESSES = re.compile(r'(?:entry_of\([\w.]+|recorded_change\(\w+), "(\w+\.\w+)"')
TEXTS = (
    "const { callsInEnglish } = await import('./src/texts/en/audit-calls.ts');"
    "const { callsInChinese } = await import('./src/texts/zh/audit-calls.ts');"
    "console.log(JSON.stringify([callsInEnglish, callsInChinese]))"
)
TERMS = (
    "const { auditInEnglish } = await import('./src/texts/en/audit.ts');"
    "console.log(JSON.stringify(Object.keys(auditInEnglish.terms)))"
)
UNWRITTEN = {"ticket"}
"""Parameters that are not in the audit log."""


def declared_terms() -> set[str]:
    """Return the audit terms of all routes, commands and processes."""
    sources = [path.read_text("utf-8") for path in (ROOT / "sightline").rglob("*.py")]
    of_processes = {term for source in sources for term in OF_PROCESSES.findall(source)}
    assert {"watch.match", "watch.webhook", "process.keys_made"} <= of_processes
    of_routes = {route.audit for route in ROUTES if route.audit}
    others = {SIGN_IN_ROUTE, END_ROUTE, AUDIT_TERM}
    return of_routes | set(command_terms(_parser())) | of_processes | others


def command_terms(command: argparse.ArgumentParser) -> Iterator[str]:
    term = command.get_default("audit")
    if term:
        yield term
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from command_terms(one)


def test_every_audited_action_has_a_name_in_both_languages() -> None:
    english, chinese = json.loads(run_node("--input-type=module", "-e", TEXTS))
    assert set(english) == set(chinese) == declared_terms()
    assert all(re.search("[\u4e00-\u9fff]", name) for name in chinese.values())


def test_every_parameter_of_an_audited_route_has_a_name(site: Site) -> None:
    """A term without one is shown as the program writes it. Both languages have the same texts."""
    paths = site.http.get(f"{site.url}/openapi.json").json()["paths"]
    parameters = {
        one["name"]
        for route in ROUTES
        if route.audit
        for one in paths[route.path][route.method.lower()].get("parameters", [])
        if one["in"] == "query"
    }
    named = set(json.loads(run_node("--input-type=module", "-e", TERMS)))
    assert parameters - UNWRITTEN - named == set()
