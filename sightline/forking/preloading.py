"""Loads modules, and makes what their processes need, before processes are forked."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

PRELOAD = "preload"
"""The function of a module that makes what every process of it needs, without secrets."""


def load(modules: Iterable[str]) -> None:
    """Import modules, and call the `preload` of those that have one."""
    for name in modules:
        preload = getattr(importlib.import_module(name), PRELOAD, None)
        if preload is not None:
            preload()
