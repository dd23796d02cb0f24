"""The templates of messages in the source, for tests of their translation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from domain import errors
from domain.errors import PolicyInvalid, RegistryInvalid, SightlineError

ROOT = Path(__file__).parent.parent
PACKAGES = ("domain", "storage", "ingest", "api", "sightline")
_OF_FAULTS = {RegistryInvalid.__name__, PolicyInvalid.__name__}
ERRORS = (
    frozenset(
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, SightlineError)
    )
    - _OF_FAULTS
)
_PLACES = dict.fromkeys(ERRORS | {"Message", "ValueError"}, 0) | {"QueryInvalid": 1}
"""By the name of what makes a message: the place of the template among its arguments."""


@dataclass(frozen=True, slots=True)
class Made:
    """One place in the source that makes a message."""

    file: str
    line: int
    kind: str
    """The name of what makes it: an error or `Message`."""
    template: str
    parts: frozenset[str]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.template}"


@dataclass(frozen=True, slots=True)
class Composed:
    """One place whose template is put together from its parts, so that it cannot be looked up."""

    file: str
    line: int
    kind: str


@cache
def found_in(folder: str) -> tuple[Made | Composed, ...]:
    """Return what makes messages in a folder, or in one file."""
    root = ROOT / folder
    files = [root] if root.is_file() else sorted(root.rglob("*.py"))
    return tuple(one for file in files for one in _found(file))


def made_in(*folders: str) -> tuple[Made, ...]:
    return tuple(one for name in folders for one in found_in(name) if isinstance(one, Made))


def _found(file: Path) -> Iterator[Made | Composed]:
    name = str(file.relative_to(ROOT))
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        kind = node.func.id
        place = _PLACES.get(kind)
        if place is None or len(node.args) <= place:
            continue
        parts = frozenset(keyword.arg for keyword in node.keywords if keyword.arg)
        argument = node.args[place]
        if isinstance(argument, ast.JoinedStr | ast.BinOp):
            yield Composed(name, node.lineno, kind)
        for template in _templates(argument):
            yield Made(name, node.lineno, kind, template, parts)


def _templates(node: ast.expr) -> Iterator[str]:
    """Yield the templates that an expression may have; a name may be that of a constant."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_templates(node.body), *_templates(node.orelse))
    elif isinstance(node, ast.BoolOp):
        yield from (template for value in node.values for template in _templates(value))
    elif isinstance(node, ast.Name) and node.id in _constants():
        yield _constants()[node.id]


@cache
def _constants() -> dict[str, str]:
    """Return the texts of the constants of all modules by their names."""
    return {
        node.targets[0].id: node.value.value
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
