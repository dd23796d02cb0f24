"""Reads YAML and keeps the position of every key and value, so that a fault can name its line and
column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from domain.errors import Fault, RegistryInvalid
from domain.messages.message import NO_MESSAGE, Message
from domain.suggestions import is_plain_word

Path = tuple[str | int, ...]
_QUOTED = re.compile(r""" (?:'[^'<]{2,}'|"[^"<]{2,}")""")
"""Text of the file that PyYAML repeats in its messages, as in `found undefined alias 'x'`. It may
be a password.
"""
_BAD_VALUES = (yaml.YAMLError, ValueError, AttributeError, LookupError, ArithmeticError, TypeError)
"""What PyYAML raises for a value with the tag of another type, such as `!!timestamp x`."""
DEEPEST, MAX_NODES, FEW_NODES = 32, 2_000_000, 100_000
"""The limits of depth and size. A registry of 6,000 cameras is 6 levels deep and has about 150,000
nodes. Aliases can expand a few lines to billions of nodes or to an endless document. So a text has
at most `FEW_NODES`, or one for each of its characters, which no text without aliases exceeds.
"""


@dataclass(slots=True)
class RegistrySource:
    """The parsed data and, for each path in it, the 1-based (line, column) of its key and of its
    value.
    """

    file: str
    data: Any = None
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    most_nodes: int = MAX_NODES
    faults: list[Fault] = field(default_factory=list)

    def fault(
        self, path: Path, message: Message, hint: Message = NO_MESSAGE, at_key: bool = False
    ) -> None:
        """Add a fault at `path`, or at its nearest parent that the file contains."""
        places = self.keys if at_key else self.values
        while path and path not in places:
            path = path[:-1]
        line, column = places.get(path, (1, 1))
        self.faults.append(Fault(self.file, line, column, message, hint))


def read_yaml(text: str, file: str) -> RegistrySource:
    """Parse `text`. Duplicate keys are faults; text that is not YAML raises RegistryInvalid."""
    most_nodes = min(MAX_NODES, max(FEW_NODES, len(text)))
    source = RegistrySource(file, most_nodes=most_nodes)
    try:
        root = yaml.compose(
            text, Loader=yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
        )
    except yaml.YAMLError as error:
        raise RegistryInvalid((_syntax_fault(error, file),)) from error
    if root is not None:
        source.data = _walk(root, (), source)
    return source


def _syntax_fault(error: yaml.YAMLError, file: str) -> Fault:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None)
    reason = Message.of(_QUOTED.sub("", problem), {}) if problem else Message("it cannot be parsed")
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Fault(
        file,
        line,
        column,
        Message("this is not YAML: {reason}", reason=reason),
        Message("indent with spaces, and quote text that holds : or #"),
    )


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _walk(node: yaml.Node, path: Path, source: RegistrySource) -> Any:
    if len(path) > DEEPEST or len(source.values) > source.most_nodes:
        line, column = _place(node)
        fault = Fault(
            source.file,
            line,
            column,
            Message("this is nested too deep, or repeats too much"),
            Message("write it out, without aliases (`*name`)"),
        )
        raise RegistryInvalid((fault,))
    source.values[path] = _place(node)
    if isinstance(node, yaml.MappingNode):
        return _walk_mapping(node, path, source)
    if isinstance(node, yaml.SequenceNode):
        return [_walk(child, (*path, i), source) for i, child in enumerate(node.value)]
    try:
        return SafeConstructor().construct_object(node, deep=True)
    except _BAD_VALUES:
        # PyYAML's own message repeats the value, which may be a password.
        source.fault(
            path,
            Message("this value has a tag or a form that YAML does not know"),
            Message("put it in quotes"),
        )
        return None


def _walk_mapping(node: yaml.MappingNode, path: Path, source: RegistrySource) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            source.fault(path, Message("a key must be plain text"))
            continue
        key = str(key_node.value)
        here = (*path, key)
        if key in result:
            line, column = _place(key_node)
            first = source.keys[here][0]
            source.faults.append(
                Fault(
                    source.file,
                    line,
                    column,
                    Message("{key} stands twice", key=key_named(key)),
                    Message("first on line {line}; keep one", line=first),
                )
            )
            continue
        source.keys[here] = _place(key_node)
        result[key] = _walk(value_node, here, source)
    return result


def key_named(key: str) -> Message:
    """Return the key as a part of a message; one that may be a mistyped secret is not repeated."""
    return Message("`{key}`", key=key) if is_plain_word(key) else Message("this key")
