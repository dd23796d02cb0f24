"""Every Lua file is part of a script that the package loads, and every script compiles."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path

import pytest

import storage
from storage.clients import lua
from storage.clients.redis import Redis

STORAGE = Path(storage.__file__).parent
FILES = sorted(STORAGE.glob("*/scripts/*.lua"))
USERS = sorted(
    ".".join(("storage", *file.relative_to(STORAGE).with_suffix("").parts))
    for file in STORAGE.rglob("*.py")
    if "load_script(" in file.read_text("utf-8") and file != Path(lua.__file__)
)


def _scripts() -> dict[str, str]:
    """Each constant of a module that loads scripts, by its full name."""
    return {
        f"{module}.{name}": value
        for module in USERS
        for name, value in vars(importlib.import_module(module)).items()
        if isinstance(value, str) and "redis.call" in value
    }


@pytest.mark.parametrize("name", sorted(_scripts()))
def test_a_script_compiles_in_redis(redis: Redis, name: str) -> None:
    digest = hashlib.sha1(_scripts()[name].encode(), usedforsecurity=False).hexdigest()
    assert redis.do("SCRIPT", "LOAD", _scripts()[name]) == digest


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parts[-3]}/{file.stem}")
def test_a_lua_file_is_part_of_a_loaded_script(file: Path) -> None:
    text = file.read_text("utf-8")
    assert any(text in script for script in _scripts().values())


def test_no_module_holds_lua() -> None:
    modules = [file for file in STORAGE.rglob("*.py") if "redis.call" in file.read_text("utf-8")]
    assert modules == []


def test_a_script_is_its_files_in_the_order_given() -> None:
    script = lua.load_script("clients", "stream", "stream_read")
    first, second = (
        (STORAGE / "clients" / "scripts" / f"{name}.lua").read_text("utf-8")
        for name in ("stream", "stream_read")
    )
    assert script == f"{first}\n{second}"


def test_an_absent_file_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"no_such\.lua"):
        lua.load_script("index", "no_such")
