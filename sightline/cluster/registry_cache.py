"""The registry in use as JSON, which a process reads in a fraction of the time that its YAML takes.

The file is derived: it has a key of the text and of the code that parsed it, and with another key
it is ignored.
"""

from __future__ import annotations

import logging
from hashlib import sha256

from pydantic import ValidationError

from domain.paths.data_layout import Layout
from domain.registry import Registry
from domain.registry.model import default_classes
from sightline.processes.private_files import write_atomically

_log = logging.getLogger(__name__)


def write_cached(layout: Layout, text: str, registry: Registry) -> None:
    """Store `registry`, which `text` was parsed to, unless the file has it. If the disk refuses,
    this is logged, and the YAML is parsed at each start.
    """
    key = _key(text)
    if _read(layout).partition("\n")[0] != key:
        parsed = registry.model_dump_json(by_alias=True)
        try:
            write_atomically(layout.registry_cache, f"{key}\n{parsed}", durable=False)
        except OSError as error:
            _log.warning("the parsed registry cannot be stored: %s", error)


def read_cached(layout: Layout, text: str) -> Registry | None:
    """Return the registry that `text` was parsed to; None if it must be parsed."""
    key, _, parsed = _read(layout).partition("\n")
    if key != _key(text):
        return None
    try:
        return Registry.model_validate_json(parsed)
    except ValidationError as error:
        _log.warning(
            "%s cannot be read (%d faults), so the YAML is parsed",
            layout.registry_cache,
            error.error_count(),
        )
        return None


def _read(layout: Layout) -> str:
    try:
        return layout.registry_cache.read_text("utf-8", "replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        _log.warning("the parsed registry cannot be read, so the YAML is parsed: %s", error)
        return ""


def _key(text: str) -> str:
    """Return a key of the text, and of the model and the policies of classes that complete it."""
    code = f"{Registry.model_json_schema()} {default_classes()}"
    return sha256(f"{code} {text}".encode()).hexdigest()
