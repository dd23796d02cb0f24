"""The documentation names every key in Redis and in the object store that the code builds, and no
other.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.clock import NS_PER_S
from domain.paths import object_keys
from domain.paths.segment_name import SegmentName
from domain.ulid import event_id
from storage.clients.versioned_records import version_key

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "docs" / name for name in ("storage.md", "index.md", "archive.md")]
REDIS_KEY = re.compile(r"\{[a-z_<>]+\}:[a-z_:<> ]*")
LUA_SUFFIX = re.compile(r"(?:P|KEYS\[1\]) \.\. '(:[a-z]+[0-9]?:?)'( \.\.)?")
STREAM_SCRIPTS = ROOT / "storage/clients/scripts"
WATCH_SCRIPTS = ROOT / "storage/site/scripts"
INDEX_SCRIPTS = ROOT / "storage/index/scripts"
START_NS = 1_760_000_000 * NS_PER_S
EVENT_ID = event_id("gate", "vehicle", START_NS, "0")


def _documented() -> str:
    return "\n".join(page.read_text("utf-8") for page in PAGES)


def _anonymous(text: str) -> str:
    """Replace the placeholders of a key, which page and code name differently."""
    return re.sub(r"<[^>]*>", "<>", text)


def _texts(tree: ast.Module) -> Iterator[str]:
    """Yield each string of a module; a placeholder stands for what an f-string inserts."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "<>" for part in node.values
            )
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and not {id(node)} & (docstrings | parts)
        ):
            yield node.value


def _suffixes(folder: Path, pattern: str) -> set[str]:
    """Return what the scripts append to their hash tag; a placeholder stands for a variable."""
    return {
        suffix + ("<>" if more and suffix.endswith(":") else "")
        for script in folder.glob(pattern)
        for suffix, more in LUA_SUFFIX.findall(script.read_text("utf-8"))
    }


def _jobs() -> set[str]:
    """Return the names with which the composition root creates locks for periodic jobs."""
    found: set[str] = set()
    for path in (ROOT / "sightline").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in ("IntervalLock", "_site_job"):
                    found |= {
                        argument.value
                        for argument in node.args
                        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
                    }
    return found


def built_redis_keys() -> set[str]:
    keys: set[str] = set()
    for path in (ROOT / "storage").rglob("*.py"):
        for text in _texts(ast.parse(path.read_text("utf-8"))):
            if re.fullmatch(r"\{[a-z_]+\}:\S+", text):
                keys.add(text)
    streams = _suffixes(STREAM_SCRIPTS, "stream*.lua")
    keys |= {f"{tag}{suffix}" for tag in ("{feed}", "{watches}") for suffix in streams}
    keys |= {f"{{watches}}{suffix}" for suffix in _suffixes(WATCH_SCRIPTS, "watch_*.lua")}
    keys |= {f"{{{job}}}:turn" for job in _jobs()}
    return keys


def test_every_redis_key_outside_the_shards_is_documented() -> None:
    documented = {_anonymous(key.strip()) for key in REDIS_KEY.findall(_documented())}
    documented = {key for key in documented if not key.startswith("{e")}
    built = built_redis_keys()
    assert len(built) > 30
    assert documented == built


def test_every_key_of_a_shard_is_documented() -> None:
    layout = (ROOT / "docs" / "index.md").read_text("utf-8").split("```")[1]
    documented = set(re.findall(r"\{e3\}(:[a-z]+)", layout))
    built = {
        re.sub(r"[0-9]$", "", suffix.rstrip(":<>")) for suffix in _suffixes(INDEX_SCRIPTS, "*.lua")
    }
    assert len(built) > 10
    assert documented == built


EXAMPLES: dict[Callable[..., str], tuple[object, ...]] = {
    object_keys.event_object: ("gate", EVENT_ID, object_keys.SNAPSHOT),
    object_keys.correction_object: ("gate", EVENT_ID, 1),
    object_keys.journal_object: ("node-1", START_NS // NS_PER_S),
    object_keys.correction_journal_object: (START_NS // NS_PER_S, EVENT_ID, 1),
    object_keys.segment_object: (SegmentName("gate", START_NS // 10**6, 10_000, 1),),
    object_keys.layouts_object: ("gate", START_NS, "node-1"),
    object_keys.gaps_object: ("gate", "node-1", "20251009"),
    object_keys.node_gaps_object: ("node-1",),
    object_keys.hold_object: ("20251009-00000001", 1),
    object_keys.watch_object: ("20251009-00000001", 1),
    object_keys.person_object: ("li.wei", 1),
    object_keys.registry_object: (1,),
    object_keys.archive_object: ("20251009", "dan/jun", 1, "0" * 64),
    object_keys.audit_lines_object: ("node-1-0011aabb", START_NS // NS_PER_S, "0" * 64),
    object_keys.audit_writer_object: ("node-1-0011aabb",),
    object_keys.catalogue_object: ("20251009", 1),
}
FIXED = (object_keys.SITE_OBJECT, object_keys.ARCHIVE_MOVED)
SIGNED = (
    object_keys.CASES_PREFIX,
    object_keys.APPROVALS_PREFIX,
    object_keys.EMERGENCIES_PREFIX,
    object_keys.EXPORTS_PREFIX,
    object_keys.SAVED_VIEWS_PREFIX,
)
"""The roots of records whose keys `storage/site/signed_records.py` builds."""
BUILT_OBJECTS = (
    *(function(*values) for function, values in EXAMPLES.items()),
    object_keys.event_object("gate", EVENT_ID, object_keys.SIDECAR),
    *FIXED,
    *(version_key(f"{root}20251009-00000001/", 1) for root in SIGNED),
)


def _patterns() -> dict[str, re.Pattern[str]]:
    """Return the expression of each key that a page names in the first column of a table."""
    text = (ROOT / "docs" / "storage.md").read_text("utf-8")
    table = text.split("## Keys in the object store")[1].split("\n## ")[0]
    keys = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    patterns: dict[str, re.Pattern[str]] = {}
    for key in keys:
        # An area is a path, and every other placeholder is a part of one.
        parts = (
            ".+" if part == "<area>" else "[^/]+" if part.startswith("<") else re.escape(part)
            for part in re.split(r"(<[^>]*>)", key)
        )
        patterns[key] = re.compile("".join(parts))
    return patterns


def test_each_key_function_has_an_example() -> None:
    functions = {
        function
        for name, function in inspect.getmembers(object_keys, inspect.isfunction)
        if name.endswith("_object") and function.__module__ == object_keys.__name__
    }
    assert functions == set(EXAMPLES)


def test_every_object_key_is_documented() -> None:
    patterns = _patterns()
    undocumented = [
        key
        for key in BUILT_OBJECTS
        if not any(pattern.fullmatch(key) for pattern in patterns.values())
    ]
    assert not undocumented


@pytest.mark.parametrize("key", sorted(_patterns()))
def test_every_documented_object_key_is_built(key: str) -> None:
    assert any(_patterns()[key].fullmatch(built) for built in BUILT_OBJECTS)
