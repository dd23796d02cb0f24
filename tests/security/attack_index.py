"""Writes the list of attack tests in docs/threats.md:  python -m tests.security.attack_index

It has every test of this folder, and the attacks that are tested elsewhere.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "threats.md"
_BEGIN = "<!-- The list below is written by  python -m tests.security.attack_index  -->\n"
ELSEWHERE = (
    "tests/api/access/test_standing_access.py",
    "tests/api/exports/test_access.py",
    "tests/api/people/test_people.py",
    "tests/api/requests/test_client_address.py",
    "tests/e2e/test_flood.py",
    "tests/ingest/rtsp/test_basic_in_clear.py",
    "tests/ingest/rtsp/test_damaged_cameras.py",
    "tests/ingest/rtsp/test_rtsps.py",
    "tests/ingest/rtsp/test_wire.py",
    "tests/sightline/test_api_tls.py",
)


def attack_files() -> list[str]:
    """Return the files with attack tests, by path from the root of the repository."""
    own = sorted((ROOT / "tests" / "security").glob("test_*.py"))
    names = [path.relative_to(ROOT).as_posix() for path in own]
    return [name for name in names if not name.endswith("/test_threats.py")] + list(ELSEWHERE)


def attacks_of(name: str) -> list[str]:
    """Return the names of the tests of a file."""
    return [
        node.name
        for node in _module(name).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]


def with_index(page: str) -> str:
    """Return the page with the list as it should be."""
    parts = [page.partition(_BEGIN)[0] + _BEGIN]
    for name in attack_files():
        subject = (ast.get_docstring(_module(name)) or "").partition("\n\n")[0]
        listed = "\n".join(f"- `{test}`" for test in attacks_of(name))
        parts.append(f"### `{name}`\n\n{subject}\n\n{listed}\n")
    return "\n".join(parts)


def _module(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text("utf-8"))


if __name__ == "__main__":
    PAGE.write_text(with_index(PAGE.read_text("utf-8")), "utf-8")
