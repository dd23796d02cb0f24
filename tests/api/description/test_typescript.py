"""A TypeScript client is generated from the OpenAPI description, compiled strictly, and run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.requests.problems import NOT_FOUND
from domain.people import Role
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

SOURCES = Path(__file__).parents[2] / "typescript"
NODE = Path(sys.prefix) / "bin" / "node"
MODULES = Path(sys.prefix) / "typescript" / "node_modules"
GENERATOR, COMPILER = "openapi-typescript/bin/cli.js", "typescript/bin/tsc"


def run_node(folder: Path, *arguments: str | Path) -> str:
    """Run Node in `folder` and return what it printed; fail with its errors."""
    command = [NODE, *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=4 * PATIENCE_S
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with the client's source and its packages."""
    if not (MODULES / COMPILER).exists():
        pytest.skip("the packages of npm are absent: run `make install-dev`")
    for name in ("client.ts", "package.json", "tsconfig.json"):
        shutil.copy(SOURCES / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(MODULES)
    return tmp_path


def test_a_generated_client_compiles_and_works(
    site: Site, make_event: MakeEvent, project: Path
) -> None:
    events = [make_event(second) for second in (0, 5, 10, 15, 20)]
    site.context.index.put_all(events)
    description = site.http.get(f"{site.url}/openapi.json")
    (project / "openapi.json").write_bytes(description.content)

    run_node(project, MODULES / GENERATOR, "openapi.json", "-o", "api.d.ts")
    run_node(project, MODULES / COMPILER, "--project", ".")
    printed = run_node(project, "client.ts", site.url, site.tokens[Role.INVESTIGATOR])

    received: dict[str, Any] = json.loads(printed)
    newest = events[-1]
    assert newest.plate is not None
    assert received["ids"] == [event.id for event in reversed(events)]
    assert received["event"] == {
        "id": newest.id,
        "clipReady": newest.clip_ready,
        "plate": newest.plate.text,
    }
    assert received["problem"]["type"] == NOT_FOUND.uri
    assert received["status"]["live"] is True
