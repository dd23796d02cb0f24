"""The structure of the source tree: imports, one adapter for each wide library, and names.

The rules are tables here and in package_imports.py. A new adapter or term is a decision: change
the table together with docs/architecture.md or docs/glossary.md.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.package_imports import MAY_IMPORT
from tests.source_tree import ROOT, modules_and_tools, package_of, path_of, product_modules, tree_of

ADAPTERS = {
    "redis": {"storage/clients/redis.py"},
    "minio": {"storage/clients/s3.py"},
    "urllib3": {"storage/clients/s3.py"},
    "duckdb": {"storage/clients/duckdb.py"},
    "onnxruntime": {"analytics/inference/onnx_runtime.py"},
    "onnx": {"analytics/models.py"},
    "aiortc": {"api/webrtc/sdp.py"},
    "pylibsrtp": {"api/webrtc/protocols/srtp.py"},
    "OpenSSL": {"api/webrtc/protocols/dtls.py"},
    "argon2": {"domain/passwords.py"},
    "pyotp": {"domain/one_time_codes.py"},
    "authlib": {"api/openid/authlib_client.py"},
    "joserfc": {"api/openid/signed_tokens.py"},
    "time": {"domain/clock.py"},
}
RTSP_SOURCE, RTSP_OPENERS = "ingest/rtsp/source.py", {"ingest/rtsp/libav.py"}
RTSP_READERS = {"ingest.rtsp.libav", "ingest.rtsp.connection"}
MOST_MODULES = 24
MOST_LINES = 400
MOST_REPEATED_CLASS_NAMES = 8
STANDARD_TERMS = set((ROOT / "tests" / "standard-terms.txt").read_text("utf-8").split())
_PART = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


@cache
def _imports(file: Path) -> tuple[str, ...]:
    """Full names of what `file` imports: modules, and what it imports from them."""
    return tuple(_imported_names(tree_of(file)))


def _imported_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _imported_package(imported: str) -> str | None:
    """The package of ours in which an imported name is defined; None for a foreign one."""
    parts = imported.split(".")
    for length in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:length])
        if place.is_dir() and (place / "__init__.py").exists():
            return ".".join(parts[:length])
        if length < len(parts) and place.with_suffix(".py").exists():
            return ".".join(parts[: length - 1])
    return None


def test_every_package_is_in_the_table() -> None:
    assert {package_of(file) for file in product_modules()} == set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_those_that_the_table_allows(package: str) -> None:
    files = [file for file in product_modules() if package_of(file) == package]
    assert files
    for file in files:
        used = {
            found for name in _imports(file) if (found := _imported_package(name)) in MAY_IMPORT
        }
        foreign = used - MAY_IMPORT[package] - {package}
        assert not foreign, f"{path_of(file)} imports {sorted(foreign)}"


def test_the_table_has_no_cycle() -> None:
    left = {package: set(allowed) for package, allowed in MAY_IMPORT.items()}
    while left:
        lowest = [
            package for package, allowed in left.items() if not allowed & (left.keys() - {package})
        ]
        assert lowest, f"these import each other: {sorted(left)}"
        for package in lowest:
            del left[package]


@pytest.mark.parametrize("library", ADAPTERS)
def test_a_library_has_one_adapter(library: str) -> None:
    users = {
        path_of(file)
        for file in product_modules()
        if not path_of(file).startswith("simulator/")
        if any(name.partition(".")[0] == library for name in _imports(file))
    }
    assert users == ADAPTERS[library]


def test_rtsp_is_opened_in_one_place() -> None:
    """One module gives libavformat RTSP options, and one module chooses the reader."""
    files = [file for file in product_modules() if not path_of(file).startswith("simulator/")]
    assert {
        path_of(file) for file in files if "rtsp_transport" in file.read_text("utf-8")
    } == RTSP_OPENERS
    choosing = {
        path_of(file)
        for file in files
        if any(
            name == reader or name.startswith(f"{reader}.")
            for reader in RTSP_READERS
            for name in _imports(file)
        )
    }
    assert choosing == {RTSP_SOURCE}


def test_relative_imports_are_not_used() -> None:
    for file in product_modules():
        relative = [
            node
            for node in ast.walk(tree_of(file))
            if isinstance(node, ast.ImportFrom) and node.level
        ]
        assert not relative, path_of(file)


def test_a_module_names_its_logger_log() -> None:
    """`_log` everywhere, so that one search finds every line that is logged."""
    for file in product_modules():
        for node in tree_of(file).body:
            if isinstance(node, ast.Assign) and "getLogger" in ast.unparse(node.value):
                assert ast.unparse(node.targets[0]) == "_log", path_of(file)


def test_no_folder_is_crowded() -> None:
    sizes = Counter(file.parent for file in modules_and_tools() if file.name != "__init__.py")
    crowded = {path_of(folder): size for folder, size in sizes.items() if size > MOST_MODULES}
    assert not crowded


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    files = [*modules_and_tools(), *(ROOT / "tests").rglob("*.py")]
    lengths = {path_of(file): len(file.read_text("utf-8").splitlines()) for file in files}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_three_modules_with_one_prefix_are_a_folder() -> None:
    prefixes = Counter(
        (file.parent, file.stem.split("_")[0])
        for file in modules_and_tools()
        if "_" in file.stem.strip("_")
    )
    crowded = {
        f"{path_of(folder)}/{prefix}_*": size
        for (folder, prefix), size in prefixes.items()
        if size > 2
    }
    assert not crowded


def test_a_class_name_has_one_meaning() -> None:
    names: dict[str, list[str]] = {}
    for file in product_modules():
        for node in tree_of(file).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                names.setdefault(node.name, []).append(path_of(file))
    repeated = {name: files for name, files in names.items() if len(files) > 1}
    assert len(repeated) <= MOST_REPEATED_CLASS_NAMES, repeated


def _glossary() -> set[str]:
    """The words of the terms of the glossary: the first cell of each row of its tables."""
    rows = re.findall(
        r"^\| ([^|]+?) \|", (ROOT / "docs" / "glossary.md").read_text("utf-8"), re.MULTILINE
    )
    return {word.lower() for row in rows for word in re.findall(r"[A-Za-z0-9]+", row)}


def _known(part: str, words: set[str]) -> bool:
    """Whether a part of a name is a known word, in the singular or the plural."""
    return bool(
        {
            part,
            part.removesuffix("s"),
            part.removesuffix("es"),
            part[:-3] + "y" if part.endswith("ies") else part,
        }
        & words
    )


def test_names_of_modules_and_domain_classes_are_terms() -> None:
    words = STANDARD_TERMS | _glossary()
    unknown: dict[str, str] = {}
    for file in product_modules():
        parts = [
            *file.stem.strip("_").split("_"),
            *file.relative_to(ROOT).parts[:-1][-1].split("_"),
        ]
        if package_of(file).partition(".")[0] == "domain":
            classes = [
                node.name
                for node in tree_of(file).body
                if isinstance(node, ast.ClassDef) and node.name[0] != "_"
            ]
            parts += [part.lower() for name in classes for part in _PART.findall(name)]
        unknown |= {part: path_of(file) for part in parts if not _known(part, words)}
    assert not unknown, "not in docs/glossary.md, nor standard (tests/standard-terms.txt)"


def test_a_worker_starts_without_what_most_never_need() -> None:
    """Models and DuckDB take a hundred megabytes and a second; they are loaded at first use."""
    heavy = "{'duckdb', 'onnxruntime', 'cv2'}"
    script = f"import sys, sightline.worker; print(*{heavy} & sys.modules.keys())"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []
