"""Every fault of a registry, a secrets file and a policy is shown in Chinese."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.translations.catalogue import CHINESE_TEMPLATES, in_chinese
from domain.access_policy.check import PolicyCalls, check_policy
from domain.access_policy.model import AccessPolicy, CallGroup
from domain.errors import Fault, PolicyInvalid
from domain.messages.message import Message
from domain.people import Right
from domain.registry.check import check_text
from domain.registry.model import Area, Camera, CameraTls, ClassPolicy, Registry
from domain.registry.secrets import Secrets, load_secrets

CAMERA = {
    "id": "east",
    "name": "东口",
    "class": "A",
    "area": "dan/jun",
    "location": {"lon": 111.5, "lat": 32.5},
    "url": "rtsp://10.0.0.1/1",
}
REGISTRY: dict[str, Any] = {
    "version": 1,
    "areas": {"dan/jun": {"name": "x"}},
    "classes": {"A": {}},
    "cameras": [{**CAMERA, "tls": {}}],
}
POLICY: dict[str, Any] = {"version": 1, "groups": {"a": {"calls": ["event.clip"], "needs": []}}}
CALLS = PolicyCalls({"event.clip": Right.EVENTS_READ})
VALUES = [
    *("x", "", "rtsp://", "a\u202eb", "(", "2026-01-01", -1, 1e9, 1.5, float("nan")),
    *(True, None, [], {}, ["x"], [1], {"x": 1}, [[0, 0], [1, 1]], [[[0, 0], [2, 2], ["a", 1]]]),
    [[[0, 0, 0], [1, 1], [0]]],
]
"""Values of each kind, most of which are wrong at most keys."""
OF_REGISTRY = [
    *((name,) for name in Registry.model_fields),
    *(("cameras", 0, field.alias or name) for name, field in Camera.model_fields.items()),
    *(("cameras", 0, "location", name) for name in ("lon", "lat", "heading", "x")),
    *(("cameras", 0, "tls", name) for name in CameraTls.model_fields),
    *(("classes", "A", name) for name in ClassPolicy.model_fields),
    *(("areas", "dan/jun", name) for name in Area.model_fields),
    *(("areas", "X Y"), ("classes", "D"), ("cameras", 0), ("cameras", 0, "unknown")),
]
OF_POLICY = [
    *((name,) for name in AccessPolicy.model_fields),
    *(("groups", "a", name) for name in CallGroup.model_fields),
]
NOT_YAML = [
    *("a: b: c", "a: [1", "a: {b", "a: 'b", 'a: "\\q"', "a:\n\t- b", "a: 1\n  b: 2", "- a\nb: 1"),
    *("a: *b", "a: &a *a", "a: !!timestamp x", "%x\n", "a: @", "a: - b", "? a: ? b", "a: 1\n--- b"),
    *(
        "a: 1\na: 2",
        "{[1]: 2}",
        "a: !b!c d",
        "a: &",
        "a: 'b\n---\nc'",
        "[1,,2]",
        "a: \x07",
        "&a x: *a",
    ),
]


def changed(base: dict[str, Any], path: tuple[str | int, ...], value: object) -> str:
    data: Any = copy.deepcopy(base)
    at = data
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return yaml.safe_dump(data, allow_unicode=True)


def untranslated(faults: tuple[Fault, ...]) -> set[str]:
    return {
        template
        for fault in faults
        for template in templates_in(fault.sentence)
        if template not in CHINESE_TEMPLATES
        and re.search("[a-z]{2}", re.sub(r"\{[a-z0-9_]+\}", "", template))
    }


def templates_in(message: Message) -> Iterator[str]:
    yield message.template
    for part in message.parts.values():
        if isinstance(part, Message):
            yield from templates_in(part)


@pytest.mark.parametrize("path", OF_REGISTRY, ids=str)
def test_each_wrong_value_of_a_registry(path: tuple[str | int, ...]) -> None:
    found = [check_text(changed(REGISTRY, path, value), "r", Secrets())[1] for value in VALUES]
    assert any(found)
    assert set[str]().union(*map(untranslated, found)) == set()


@pytest.mark.parametrize("path", OF_POLICY, ids=str)
def test_each_wrong_value_of_a_policy(path: tuple[str | int, ...]) -> None:
    found = [faults_of_policy(changed(POLICY, path, value)) for value in VALUES]
    assert any(found)
    assert set[str]().union(*map(untranslated, found)) == set()


def faults_of_policy(text: str) -> tuple[Fault, ...]:
    try:
        check_policy(text, "policy.yaml", CALLS)
    except PolicyInvalid as invalid:
        return invalid.faults
    return ()


@pytest.mark.parametrize("text", NOT_YAML)
def test_text_that_is_not_yaml(text: str) -> None:
    registry, faults = check_text(text, "r", Secrets())
    assert registry is None
    assert untranslated(faults) == set()


@pytest.mark.parametrize(
    "text", ["- gate\n", "gate: [a]\n", "'a:b': x\n", "gate: {user: yes, password: 012}\n", "a: ["]
)
def test_the_secrets_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "camera_secrets.yaml"
    file.write_text(text)
    file.chmod(0o644)
    _, faults = load_secrets(file, {"SIGHTLINE_CAMERA_HALL": "x"})
    assert len(faults) >= 2
    assert untranslated(faults) == set()


def test_a_fault_in_chinese_has_its_place_and_its_remedy() -> None:
    text = yaml.safe_dump({**REGISTRY, "cameras": [{**CAMERA, "naem": "x"}]}, sort_keys=False)
    _, (fault,) = check_text(text, "camera_registry.yaml", Secrets())
    assert str(fault) == ("camera_registry.yaml:16:3: unknown key `naem` (did you mean `name`?)")
    assert in_chinese(fault.sentence) == (
        "camera_registry.yaml:16:3：没有键 `naem`（是否指 `name`？）"
    )
