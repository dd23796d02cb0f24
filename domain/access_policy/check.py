"""Reads and strictly checks a policy file. It reports all faults together, each with file, line,
column and the likely correct word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from domain.access_policy.model import AccessPolicy, CallGroup, Requirement
from domain.errors import PolicyInvalid, RegistryInvalid
from domain.messages.message import Message
from domain.people import Right
from domain.registry.faults import add_fault, unreadable
from domain.registry.source import Path, RegistrySource, read_yaml
from domain.suggestions import is_plain_word, suggestion


@dataclass(frozen=True, slots=True)
class PolicyCalls:
    """The calls that a policy may name, by audit term, each with its right."""

    rights: Mapping[str, Right]
    same: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The calls that give the same material as others, with the terms of those."""

    def needs(self, policy: AccessPolicy) -> dict[str, list[Requirement]]:
        """Return what each call needs in addition to its right, without calls that need nothing."""
        found = {
            call: sorted(policy.needs((right,), call, self.same.get(call, ())).requirements)
            for call, right in sorted(self.rights.items())
        }
        return {call: needs for call, needs in found.items() if needs}


def read_policy(file: FilePath, calls: PolicyCalls) -> tuple[str, AccessPolicy]:
    """Return the text and the policy of `file`. Raises PolicyInvalid with all faults."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyInvalid((unreadable(file, error),)) from error
    return text, check_policy(text, str(file), calls)


def check_policy(text: str, file: str, calls: PolicyCalls) -> AccessPolicy:
    """Return the policy in `text`. Raises PolicyInvalid with all faults, in their order."""
    try:
        source = read_yaml(text, file)
    except RegistryInvalid as error:
        raise PolicyInvalid(error.faults) from error
    policy = _build(source)
    _check_names(source, calls)
    if policy is None or source.faults:
        ordered = sorted(set(source.faults), key=lambda fault: (fault.line, fault.column))
        raise PolicyInvalid(tuple(ordered))
    return policy


def _build(source: RegistrySource) -> AccessPolicy | None:
    try:
        return AccessPolicy.model_validate(source.data)
    except ValidationError as error:
        for detail in error.errors():
            add_fault(source, detail, _keys_at, "policy")
        return None


def _keys_at(path: Path) -> tuple[str, ...]:
    is_of_group = path[:1] == ("groups",) and len(path) > 2
    return tuple((CallGroup if is_of_group else AccessPolicy).model_fields)


def _check_names(source: RegistrySource, calls: PolicyCalls) -> None:
    """Check the calls and rights of all groups. It also runs if some groups are faulty."""
    groups = source.data.get("groups") if isinstance(source.data, dict) else None
    for name, group in groups.items() if isinstance(groups, dict) else ():
        if not isinstance(group, dict):
            continue
        for at, call in _listed(group, "calls"):
            if call not in calls.rights:
                _add_unknown(source, ("groups", name, "calls", at), call, tuple(calls.rights))
        governed = {right.value for right in calls.rights.values()}
        for at, right in _listed(group, "rights"):
            if right not in governed and right in tuple(Right):
                source.fault(
                    ("groups", name, "rights", at),
                    Message(
                        "no call that a policy can govern needs the right `{right}`", right=right
                    ),
                    Message("leave it out"),
                )


def _listed(group: dict[Any, Any], key: str) -> list[tuple[int, str]]:
    values = group.get(key)
    listed = enumerate(values) if isinstance(values, list) else ()
    return [(at, value) for at, value in listed if isinstance(value, str)]


def _add_unknown(source: RegistrySource, path: Path, call: str, known: tuple[str, ...]) -> None:
    word = Message("`{key}`", key=call) if is_plain_word(call) else Message("this word")
    unknown = Message("{word} is no audit term that a policy can govern", word=word)
    source.fault(path, unknown, suggestion(call, sorted(known)))
