"""Loads modules, and makes what their processes need, before processes are forked."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable

PRELOAD = "preload"
"""The function of a module that makes what every process of it needs, without secrets."""

UNUSED = ("httpx._main", "pydantic.v1", "cffi")
"""Modules that libraries import if they can, and that no process uses: the command line of httpx,
which loads rich and pygments; the models of pydantic 1, which FastAPI refuses; and the parser of C
with which pycryptodome declares its functions. The administration of `minio` loads pycryptodome.
"""


def load(modules: Iterable[str]) -> None:
    """Import modules, and call the `preload` of those that have one."""
    for name in UNUSED:
        # The documented way to let an import fail; the types allow modules alone.
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    for name in modules:
        preload = getattr(importlib.import_module(name), PRELOAD, None)
        if preload is not None:
            preload()
