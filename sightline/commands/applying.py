"""`sightline cameras diff` and `apply`: show or make the changes of a registry.

Unchanged cameras are not interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict

from domain.errors import DataLoss, NewerRecord, RegistryInvalid
from domain.paths.data_layout import Layout
from domain.registry import Changes, Registry, Secrets, changes_of
from domain.registry.check import check_text, read_registry
from sightline.cluster import site_registry
from sightline.commands.cameras import print_faults
from sightline.processes.instance import runtime_of
from sightline.processes.store_clients import Stores, open_stores


def diff(args: argparse.Namespace) -> int:
    """Print the changes that applying would make. Return 1 with all faults of the registry."""
    return _compared(args, is_applied=False)


def apply(args: argparse.Namespace) -> int:
    """Store and announce a registry. Return 1 with all its faults, and change nothing then."""
    return _compared(args, is_applied=True)


def _compared(args: argparse.Namespace, is_applied: bool) -> int:
    layout = Layout(args.data.resolve())
    try:
        text, registry, _ = read_registry(args.file, _environ(layout))
    except RegistryInvalid as invalid:
        return print_faults(invalid, args.json)
    with open_stores(layout) as stores:
        changes = changes_of(_applied(stores, layout), registry)
        version = {"version": stores.registries.add(text).version} if is_applied else {}
    if args.json:
        print(json.dumps({**version, **asdict(changes)}))
        return 0
    _print(changes)
    for number in version.values():
        print(f"version {number} is applied; running nodes take it up within two seconds")
    return 0


def _environ(layout: Layout) -> Mapping[str, str]:
    """Return the environment, with the password file of the running instance if none is set.

    So the check reads the same passwords as the running instance.
    """
    runtime = runtime_of(layout)
    named = (
        {"SIGHTLINE_SECRETS_FILE": runtime.secrets_file} if runtime and runtime.secrets_file else {}
    )
    return {**named, **os.environ}


def _applied(stores: Stores, layout: Layout) -> Registry:
    """Return the newest applied registry; one given at the start may be only on this machine."""
    try:
        newest = stores.registries.newest() or site_registry.record(layout)
    except NewerRecord:
        raise
    except DataLoss as error:
        print(f"{error}; compared with what runs on this machine", file=sys.stderr)
        newest = site_registry.record(layout)
    for foreign in stores.registries.foreign():
        print(foreign.why, file=sys.stderr)
    if newest is None:
        return site_registry.NONE
    registry, faults = check_text(newest.text, newest.source, Secrets())
    if registry is None:
        raise RegistryInvalid(faults)
    return registry


def _print(changes: Changes) -> None:
    for name in changes.added:
        print(f"+ {name}")
    for change in changes.changed:
        print(
            f"~ {change.camera_id}: "
            f"{', '.join(change.keys)}{' (its stream starts again)' if change.restarts else ''}"
        )
    for name in changes.removed:
        print(f"- {name}")
    if changes.areas:
        print("~ areas")
    if not changes:
        print("nothing changes")
