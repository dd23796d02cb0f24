"""A registry in which a test makes faults."""

from __future__ import annotations

from pathlib import Path

from domain.errors import RegistryInvalid
from domain.registry import load_registry

HEAD = """\
version: 1
areas:
  dan/jun: {name: 均州路}
cameras:
"""

CAMERA = """\
  - id: east
    name: 东口
    class: A
    area: dan/jun
    location: {lon: 111.5, lat: 32.5}
    url: rtsp://10.0.0.1/1
"""


def faults_of(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    file = tmp_path / "r.yaml"
    file.write_text(text, "utf-8")
    try:
        load_registry(file, environ or {})
    except RegistryInvalid as invalid:
        return [str(fault).removeprefix(f"{file}:") for fault in invalid.faults]
    return []
