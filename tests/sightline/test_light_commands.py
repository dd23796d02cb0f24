"""The commands that run often start quickly: they do not load the libraries of the other commands.

A library that appears here costs 0.1 to 0.5 s of CPU time whenever such a command runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "aiortc", "av", "cv2", "cryptography.x509", "duckdb", "fastapi", "httpx", "minio", "numpy",
    "onnxruntime", "prometheus_client", "pyarrow", "rich", "starlette", "uvicorn",
)  # fmt: skip
REGISTRY = """version: 1
areas: {centre: {name: Centre}}
cameras:
- id: gate
  name: Gate
  class: A
  area: centre
  location: {lon: 112, lat: 32}
  url: rtsp://127.0.0.2:9/
"""
RUN = f"""
import json, sys
from sightline.cli import main
code = main(sys.argv[1:])
print(json.dumps([code, [name for name in {HEAVY!r} if name in sys.modules]]))
"""


def _run(*arguments: str | Path) -> tuple[int, list[str]]:
    """Run a command; return its exit code and the heavy modules that it has loaded."""
    command = [sys.executable, "-c", RUN, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    return code, loaded


def test_the_list_of_cameras_loads_no_heavy_module(
    tmp_path: Path, valkey_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_REDIS_URL", valkey_server)
    assert _run("cameras", "list", "--data", tmp_path) == (0, [])


def test_the_check_of_a_registry_loads_no_heavy_module(tmp_path: Path) -> None:
    file = tmp_path / "registry.yaml"
    file.write_text(REGISTRY)
    assert _run("cameras", "check", file) == (0, [])
