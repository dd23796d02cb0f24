"""The registry that a site runs: the one given, or, where that has faults, the last good one, with the faults shown."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path

from domain.errors import Fault, RegistryInvalid
from domain.keys import REGISTRY_PREFIX, registry_object
from domain.layout import Layout
from domain.registry import Registry, Secrets, load_registry
from domain.registry.check import check_text
from domain.registry.secrets import FILE_NAME, load_secrets
from sightline.instance import write_atomically
from storage.s3 import ObjectStore

log = logging.getLogger(__name__)


def settle(file: Path, layout: Layout) -> RegistryInvalid | None:
    """Make `layout.registry` the registry to run; the faults of `file` where the last good one runs instead.

    Raises RegistryInvalid where `file` has faults and there is no last good one.
    """
    try:
        load_registry(file, os.environ)
    except RegistryInvalid as invalid:
        if not layout.registry.exists():
            raise
        write_atomically(layout.registry_faults, json.dumps([asdict(fault) for fault in invalid.faults]))
        return invalid
    write_atomically(layout.registry, file.read_text("utf-8"))
    layout.registry_faults.unlink(missing_ok=True)
    return None


def secrets_environment(file: Path) -> dict[str, str]:
    """Where the processes of the instance find the cameras' passwords: beside the registry that was given."""
    return {"SIGHTLINE_SECRETS_FILE": os.environ.get("SIGHTLINE_SECRETS_FILE") or str(file.resolve().with_name(FILE_NAME))}


def running(layout: Layout) -> tuple[Registry, Secrets]:
    """The settled registry, as a process of the instance reads it. A password that went missing since is that camera's trouble alone."""
    secrets, faults_of_secrets = load_secrets(layout.registry, os.environ)
    for fault in faults_of_secrets:
        log.error("%s", fault)
    registry, faults = check_text(layout.registry.read_text("utf-8"), str(layout.registry), secrets)
    if registry is None:
        raise RegistryInvalid(faults)
    return registry, secrets


def faults_shown(layout: Layout) -> tuple[Fault, ...]:
    """The faults of the registry that was given and refused; none when it runs."""
    try:
        return tuple(Fault(**fault) for fault in json.loads(layout.registry_faults.read_text("utf-8")))
    except FileNotFoundError:
        return ()


def record_applied(layout: Layout, objects: ObjectStore) -> None:
    """Keep the registry that runs among the versions in the object store, unless its newest is the same."""
    text = layout.registry.read_bytes()
    keys = sorted(found.key for found in objects.list(REGISTRY_PREFIX))
    if keys and objects.get(keys[-1]) == text:
        return
    version = int(Path(keys[-1]).stem) + 1 if keys else 1
    objects.put(registry_object(version), text, "application/yaml")
