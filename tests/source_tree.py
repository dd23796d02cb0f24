"""The modules of the source tree, their syntax trees, and their packages."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent

PRODUCT = ("analytics", "api", "console", "domain", "ingest", "sightline", "simulator", "storage")
TOOLS = ("benchmarks", "training")
"""The packages that are not part of the product; the rules on folders hold for them too."""


@cache
def product_modules() -> tuple[Path, ...]:
    """Return the modules of the product."""
    return tuple(file for top in PRODUCT for file in sorted((ROOT / top).rglob("*.py")))


def modules_and_tools() -> list[Path]:
    """Return every module, those of benchmarks and training included."""
    tools = (file for top in TOOLS for file in sorted((ROOT / top).rglob("*.py")))
    return [*product_modules(), *tools]


def path_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def package_of(file: Path) -> str:
    return ".".join(file.parent.relative_to(ROOT).parts)
