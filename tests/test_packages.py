"""The structure of the source tree: imports, one adapter for each wide library, and names.

Each rule is a table at the top. A new import between packages, a new folder or a new term is a
decision: change the table together with docs/architecture.md or docs/glossary.md.
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

ROOT = Path(__file__).parent.parent
_TABLE = {
    "domain.settings_groups": "",
    "domain.messages": "",
    "domain": "domain.settings_groups domain.messages",
    "domain.media": "domain",
    "domain.events": "domain domain.media",
    "domain.paths": "domain",
    "domain.registry": "domain domain.events",
    "domain.access_policy": "domain domain.registry",
    "domain.recordings": "domain domain.events domain.registry",
    "simulator": "domain",
    "storage.clients": "domain",
    "storage.mp4": "domain domain.media",
    "storage.index": "domain domain.media domain.events storage.clients",
    "storage.archive": (
        "domain domain.events domain.paths domain.recordings storage.clients storage.index"
    ),
    "storage.recordings": (
        "domain domain.media domain.paths domain.registry domain.recordings storage.clients "
        "storage.mp4"
    ),
    "storage.recordings.virtual": (
        "domain domain.paths storage.clients storage.mp4 storage.recordings"
    ),
    "storage.recordings.gaps": "domain domain.paths domain.recordings storage.clients",
    "storage.site": (
        "domain domain.access_policy domain.events domain.paths domain.registry domain.recordings "
        "storage.clients storage.index"
    ),
    "storage.sign_in": "domain storage.clients storage.site",
    "storage.openid": "domain domain.paths storage.clients storage.site",
    "storage.audit": "domain domain.paths storage.clients storage.site",
    "storage.events": (
        "domain domain.events domain.paths domain.recordings storage.clients storage.index "
        "storage.archive storage.recordings storage.recordings.virtual"
    ),
    "storage.exports": "domain domain.paths storage.clients storage.site",
    "storage": (
        "domain domain.media domain.events domain.paths domain.registry domain.recordings "
        "storage.clients storage.mp4 storage.index storage.archive storage.recordings "
        "storage.recordings.gaps storage.recordings.virtual storage.site storage.audit "
        "storage.events"
    ),
    "ingest.packets.native": "",
    "ingest.packets": "domain domain.media storage.mp4 ingest.packets.native",
    "ingest.live": "domain domain.media domain.paths storage.mp4 ingest.packets",
    "ingest.health": "domain ingest.packets",
    "ingest.frames": "domain domain.settings_groups domain.media domain.recordings ingest.health",
    "ingest.rtsp": (
        "domain domain.settings_groups domain.media domain.registry ingest.packets.native "
        "ingest.packets ingest.health"
    ),
    "ingest": "domain domain.media domain.registry ingest.packets ingest.health ingest.rtsp",
    "ingest.onvif": "domain domain.registry ingest.rtsp",
    "ingest.recording": (
        "domain domain.media domain.paths domain.recordings storage.mp4 storage.recordings "
        "storage.recordings.virtual ingest.packets"
    ),
    "analytics.inference": "domain",
    "analytics.detection": "domain domain.registry analytics.inference",
    "analytics.plates": "domain domain.events analytics.inference analytics.detection",
    "analytics.tracking": "domain domain.events domain.registry analytics.detection",
    "analytics.passings": (
        "domain domain.media domain.events domain.registry analytics.detection analytics.plates "
        "analytics.tracking"
    ),
    "analytics": (
        "domain domain.media domain.events domain.registry analytics.inference "
        "analytics.detection analytics.plates analytics.passings"
    ),
    "api.limits": "domain",
    "api.base_map": "domain",
    "api.websockets": "domain",
    "api.headers": "",
    "api.translations": "domain.messages",
    "api.requests": (
        "domain domain.access_policy domain.events storage.recordings storage.site storage.audit "
        "api.limits api.websockets api.headers api.translations"
    ),
    "api.nodes": (
        "domain domain.media domain.paths domain.recordings storage.mp4 storage.recordings "
        "storage.recordings.virtual api.limits api.requests"
    ),
    "api.openid": (
        "domain domain.paths storage.clients storage.site storage.openid api.limits api.requests"
    ),
    "api.access": (
        "domain domain.access_policy domain.paths domain.registry storage.clients storage.index "
        "storage.archive "
        "storage.recordings storage.recordings.gaps storage.site "
        "storage.sign_in storage.audit storage.events storage.exports "
        "api.limits api.websockets api.headers api.requests api.nodes api.openid api.base_map"
    ),
    "api.cameras": (
        "domain domain.media domain.events domain.paths domain.registry domain.recordings "
        "storage.clients storage.mp4 storage.recordings storage.recordings.virtual storage.site "
        "storage.audit api.limits api.requests api.nodes api.access"
    ),
    "api.exports": (
        "domain domain.media domain.paths domain.recordings storage.clients storage.recordings "
        "storage.recordings.virtual storage.site storage.audit storage.exports api.limits "
        "api.requests api.access api.cameras"
    ),
    "api.webrtc.protocols": "domain domain.media",
    "api.webrtc.congestion": "domain domain.media api.webrtc.protocols",
    "api.webrtc": (
        "domain domain.media domain.paths storage.mp4 api.limits api.requests api.nodes "
        "api.webrtc.protocols api.webrtc.congestion"
    ),
    "api.live": (
        "domain domain.media domain.paths domain.registry storage.clients storage.audit "
        "storage.site api.websockets api.requests api.nodes api.access api.cameras api.webrtc "
        "api.webrtc.congestion"
    ),
    "api.events": (
        "domain domain.events domain.paths domain.recordings domain.registry storage.index "
        "storage.recordings.gaps storage.audit storage.events api.limits api.headers api.requests "
        "api.access"
    ),
    "api.site": (
        "domain domain.paths domain.recordings storage.site storage.audit api.limits api.requests "
        "api.access api.base_map"
    ),
    "api.policy": (
        "domain domain.access_policy domain.paths storage.clients storage.site api.requests "
        "api.access api.site"
    ),
    "api.people": "domain domain.registry storage.site api.requests api.access api.site",
    "api.sessions": (
        "domain storage.site storage.sign_in api.limits api.requests api.openid api.access "
        "api.site api.people"
    ),
    "api.feeds": (
        "domain domain.events domain.paths storage.index storage.site api.requests api.access "
        "api.events"
    ),
    "api.node_api": (
        "domain domain.media domain.paths domain.recordings domain.registry "
        "storage.recordings storage.recordings.gaps storage.recordings.virtual storage.events "
        "api.limits api.requests api.nodes"
    ),
    "api.description": "domain api.requests api.access api.events api.feeds",
    "api": (
        "domain api.limits api.websockets api.requests api.access api.description api.cameras "
        "analytics api.exports "
        "api.live api.webrtc api.events api.site api.policy api.people api.sessions api.feeds"
    ),
    "console": "",
    "sightline.privileges": "domain domain.paths",
    "sightline.forking": "domain",
    "sightline.processes": (
        "domain domain.paths domain.registry storage.clients storage.index storage.archive "
        "storage.site storage.audit storage.events ingest.rtsp ingest.recording "
        "sightline.privileges sightline.forking"
    ),
    "sightline.arguments": "",
    "sightline.keys": "domain domain.paths sightline.processes",
    "sightline.cluster": "domain domain.paths domain.registry storage.site sightline.processes",
    "sightline.confinement": "domain domain.settings_groups domain.paths sightline.cluster",
    "sightline.evaluation": (
        "domain domain.media domain.events domain.registry ingest.frames analytics"
    ),
    "sightline.overload": (
        "domain domain.paths domain.registry storage.recordings sightline.processes"
    ),
    "sightline.cameras": (
        "domain domain.media domain.events domain.paths domain.registry domain.recordings "
        "storage.recordings storage.recordings.gaps storage.events ingest.health ingest.frames "
        "ingest.rtsp ingest ingest.onvif ingest.recording sightline.processes sightline.cluster "
        "sightline.overload"
    ),
    "sightline.reanalysis": (
        "domain domain.events domain.paths domain.recordings domain.registry storage.archive "
        "storage.events storage.recordings storage.recordings.gaps ingest.frames analytics "
        "analytics.passings sightline.processes"
    ),
    "sightline.jobs": (
        "domain domain.events domain.paths domain.recordings domain.registry storage.clients "
        "storage.index storage.archive storage.recordings storage.recordings.gaps "
        "storage.recordings.virtual storage.site storage.audit "
        "storage.events storage api.feeds sightline.processes sightline.cluster sightline.overload"
    ),
    "sightline": (
        "domain domain.access_policy domain.media domain.events domain.paths domain.registry "
        "storage.clients "
        "storage.archive storage.recordings storage.recordings.gaps storage.recordings.virtual "
        "storage.site storage.sign_in storage.audit "
        "storage.events storage.exports storage ingest.packets.native ingest.live "
        "ingest.frames ingest.rtsp "
        "ingest.recording api.limits api.requests api.nodes api.openid api.access api.exports "
        "api.base_map api.node_api "
        "api.webrtc api.live api "
        "sightline.forking sightline.processes sightline.arguments sightline.keys "
        "sightline.cluster sightline.confinement sightline.overload sightline.cameras "
        "sightline.reanalysis sightline.jobs analytics"
    ),
    "sightline.commands": (
        "domain domain.access_policy domain.paths domain.recordings domain.registry simulator "
        "storage.clients storage.archive storage.recordings storage.recordings.gaps storage.site "
        "storage.openid storage.sign_in storage.audit storage.events storage.exports storage "
        "analytics api.base_map api.exports api.translations "
        "sightline.processes sightline.forking sightline.keys sightline.cluster "
        "sightline.evaluation sightline.reanalysis sightline"
    ),
}
"""Each package, from the lowest of its top-level package to the highest, and what it may import."""
MAY_IMPORT = {
    package: set(names.split()) | ({"domain.messages"} if "domain" in names.split() else set())
    for package, names in _TABLE.items()
}
"""What may import `domain` may import the messages, which its errors carry."""
TOOLS = ("benchmarks", "training")
"""The packages that are not part of the product; the rules on folders hold for them too."""
ADAPTERS = {
    "redis": {"storage/clients/redis.py"},
    "minio": {"storage/clients/s3.py"},
    "urllib3": {"storage/clients/s3.py"},
    "duckdb": {"storage/clients/duckdb.py"},
    "onnxruntime": {"analytics/inference/onnx_runtime.py"},
    "onnx": {"analytics/models.py"},
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
MOST_REPEATED_CLASS_NAMES = 8
STANDARD_TERMS = set((ROOT / "tests" / "standard-terms.txt").read_text("utf-8").split())
_PART = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


@cache
def _modules() -> tuple[Path, ...]:
    tops = {package.partition(".")[0] for package in MAY_IMPORT}
    return tuple(file for top in sorted(tops) for file in sorted((ROOT / top).rglob("*.py")))


def _modules_and_tools() -> list[Path]:
    """Return every module, those of benchmarks and training included."""
    tools = (file for top in TOOLS for file in sorted((ROOT / top).rglob("*.py")))
    return [*_modules(), *tools]


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def _package(file: Path) -> str:
    return ".".join(file.parent.relative_to(ROOT).parts)


@cache
def _imports(file: Path) -> tuple[str, ...]:
    """Full names of what `file` imports: modules, and what it imports from them."""
    return tuple(_imported_names(_tree(file)))


def _imported_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _package_of(imported: str) -> str | None:
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
    assert {_package(file) for file in _modules()} == set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_those_that_the_table_allows(package: str) -> None:
    files = [file for file in _modules() if _package(file) == package]
    assert files
    for file in files:
        used = {found for name in _imports(file) if (found := _package_of(name)) in MAY_IMPORT}
        foreign = used - MAY_IMPORT[package] - {package}
        assert not foreign, f"{_name(file)} imports {sorted(foreign)}"


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
        _name(file)
        for file in _modules()
        if not _name(file).startswith("simulator/")
        if any(name.partition(".")[0] == library for name in _imports(file))
    }
    assert users == ADAPTERS[library]


def test_rtsp_is_opened_in_one_place() -> None:
    """One module gives libavformat RTSP options, and one module chooses the reader."""
    files = [file for file in _modules() if not _name(file).startswith("simulator/")]
    assert {
        _name(file) for file in files if "rtsp_transport" in file.read_text("utf-8")
    } == RTSP_OPENERS
    choosing = {
        _name(file)
        for file in files
        if any(
            name == reader or name.startswith(f"{reader}.")
            for reader in RTSP_READERS
            for name in _imports(file)
        )
    }
    assert choosing == {RTSP_SOURCE}


def test_relative_imports_are_not_used() -> None:
    for file in _modules():
        relative = [
            node
            for node in ast.walk(_tree(file))
            if isinstance(node, ast.ImportFrom) and node.level
        ]
        assert not relative, _name(file)


def test_a_module_names_its_logger_log() -> None:
    """`_log` everywhere, so that one search finds every line that is logged."""
    for file in _modules():
        for node in _tree(file).body:
            if isinstance(node, ast.Assign) and "getLogger" in ast.unparse(node.value):
                assert ast.unparse(node.targets[0]) == "_log", _name(file)


def test_no_folder_is_crowded() -> None:
    sizes = Counter(file.parent for file in _modules_and_tools() if file.name != "__init__.py")
    crowded = {_name(folder): size for folder, size in sizes.items() if size > MOST_MODULES}
    assert not crowded


def test_three_modules_with_one_prefix_are_a_folder() -> None:
    prefixes = Counter(
        (file.parent, file.stem.split("_")[0])
        for file in _modules_and_tools()
        if "_" in file.stem.strip("_")
    )
    crowded = {
        f"{_name(folder)}/{prefix}_*": size
        for (folder, prefix), size in prefixes.items()
        if size > 2
    }
    assert not crowded


def test_a_class_name_has_one_meaning() -> None:
    names: dict[str, list[str]] = {}
    for file in _modules():
        for node in _tree(file).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                names.setdefault(node.name, []).append(_name(file))
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
    for file in _modules():
        parts = [
            *file.stem.strip("_").split("_"),
            *file.relative_to(ROOT).parts[:-1][-1].split("_"),
        ]
        if _package(file).partition(".")[0] == "domain":
            classes = [
                node.name
                for node in _tree(file).body
                if isinstance(node, ast.ClassDef) and node.name[0] != "_"
            ]
            parts += [part.lower() for name in classes for part in _PART.findall(name)]
        unknown |= {part: _name(file) for part in parts if not _known(part, words)}
    assert not unknown, "not in docs/glossary.md, nor standard (tests/standard-terms.txt)"


def test_a_worker_starts_without_what_most_never_need() -> None:
    """Models and DuckDB take a hundred megabytes and a second; they are loaded at first use."""
    heavy = "{'duckdb', 'onnxruntime', 'cv2'}"
    script = f"import sys, sightline.worker; print(*{heavy} & sys.modules.keys())"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []
