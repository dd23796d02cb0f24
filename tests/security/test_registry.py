"""Attacks with the registry: YAML that expands, builds objects, or names files of the machine."""

from __future__ import annotations

import pytest

from domain.errors import RegistryInvalid
from domain.registry.source import FEW_NODES, read_yaml

ENTRY = """\
version: 1
areas: {a: {name: A}}
cameras:
  - {id: gate, name: Gate, class: A, area: a, location: {lon: 1, lat: 2}, url: 'rtsp://10.0.0.1/1'}
"""
BOMBS = {
    "laughs": "\n".join(
        ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    ),
    "loop": "a: &a [*a]",
    "loop of a mapping": "a: &a {b: *a}",
    "depth": "[" * 5_000 + "]" * 5_000,
    "depth of a block": "\n".join(" " * n + "a:" for n in range(2_000)),
    "merge": "\n".join(
        ["m0: &m0 {k: 1}"]
        + [f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" for n in range(1, 9)]
    ),
}


def _read(text: str) -> tuple[object, int]:
    """Return the data and the number of faults."""
    try:
        source = read_yaml(text, "registry.yaml")
    except RegistryInvalid as refused:
        return None, len(refused.faults)
    assert len(source.values) <= max(FEW_NODES, len(text))
    return source.data, len(source.faults)


@pytest.mark.parametrize("bomb", BOMBS)
def test_yaml_that_expands(bomb: str) -> None:
    data, faults = _read(BOMBS[bomb])
    assert data is None or bomb == "merge"
    assert faults or bomb == "merge", "a merge key is a key like any other"
    assert _read(ENTRY)[1] == 0


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['true']",
        "!!python/object/new:subprocess.Popen [['true']]",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!binary '//8='",
        "!!timestamp x",
        "!local x",
        "!!set {a, b}",
        "!!int x",
        "!!int ''",
        "!!bool x",
        "!!float x",
        "!!timestamp 9999-99-99",
        "!!int 0b9",
        "!!seq x",
        "!!map x",
        "!!omap x",
        "!!pairs x",
    ],
)
def test_yaml_that_builds_an_object(tag: str) -> None:
    data, faults = _read(f"version: {tag}")
    value = data["version"] if isinstance(data, dict) else None
    assert faults or isinstance(value, bytes | set | dict | list | str)
    assert "system" not in repr(type(value))
    assert _read("version: 1") == ({"version": 1}, 0)


@pytest.mark.parametrize(
    "text", ["\x00", "\ufeff\ufeff", "a: \x85b\x1b", "\ud7ff: 1", "%YAML 9.9\n---\na"]
)
def test_yaml_with_odd_characters(text: str) -> None:
    data, faults = _read(text)
    assert faults or data is not None or not text.strip("\ufeff")
