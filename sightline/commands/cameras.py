"""`sightline cameras`: check a registry; list the cameras of a running instance."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict

from domain.camera_states import CameraState, CameraStatus
from domain.clock import rfc3339
from domain.errors import PolicyInvalid, RegistryInvalid
from domain.messages.message import Message
from domain.paths.data_layout import Layout
from domain.registry.check import read_registry, registry_warnings
from domain.settings import Settings
from sightline.cluster import site_registry
from sightline.commands.languages import error_text, localized
from sightline.processes.instance import complete_settings, instance_secrets, runtime_of
from storage.clients.redis import connect
from storage.site.camera_states import CameraStates

_HEADINGS = ("camera", "state", "since", "picture", "fps", "why", "last error")
_STATE = _HEADINGS.index("state")
_RED, _GREEN, _YELLOW, _BLUE, _DIM, _PLAIN = (f"\x1b[{code}m" for code in (31, 32, 33, 34, 2, 0))
COLOURS = {
    CameraState.LIVE: _GREEN,
    CameraState.CLOCK_WRONG: _YELLOW,
    CameraState.SPARSE_KEYFRAMES: _YELLOW,
    CameraState.CONNECTING: _YELLOW,
    CameraState.IDLE: _BLUE,
    CameraState.UNKNOWN: _DIM,
}
"""The escape sequences of ECMA-48 for states that are no faults; faults are red."""


def check(args: argparse.Namespace) -> int:
    """Check a registry and print its warnings. Return 1 with all its faults."""
    try:
        text, registry, _ = read_registry(args.file, os.environ)
    except RegistryInvalid as invalid:
        return print_faults(invalid, args.json)
    warnings = registry_warnings(text, str(args.file))
    if args.json:
        result = {
            "cameras": len(registry.cameras),
            "faults": [],
            "warnings": [asdict(one) for one in warnings],
        }
        print(json.dumps(result, ensure_ascii=False))
    else:
        for warning in warnings:
            print(localized(Message("warning: {fault}", fault=warning.sentence)), file=sys.stderr)
        print(
            localized(
                Message(
                    "{file}: no fault; cameras: {cameras}, areas: {areas}",
                    file=args.file,
                    cameras=len(registry.cameras),
                    areas=len(registry.areas),
                )
            )
        )
    return 0


def print_faults(invalid: RegistryInvalid | PolicyInvalid, as_json: bool) -> int:
    """Print all faults of a file with their place; return the exit code.

    JSON goes to standard output, text to standard error.
    """
    if as_json:
        print(
            json.dumps({"faults": [asdict(fault) for fault in invalid.faults]}, ensure_ascii=False)
        )
    else:
        print(error_text(invalid), file=sys.stderr)
        print(localized(Message("faults: {count}", count=len(invalid.faults))), file=sys.stderr)
    return 1


def list_cameras(args: argparse.Namespace) -> int:
    layout = Layout(args.data.resolve())
    registry = site_registry.running_registry(layout)
    states = _states(layout, [camera.id for camera in registry.cameras])
    rows = [
        states.get(camera.id) or CameraStatus(camera.id, CameraState.UNKNOWN, 0)
        for camera in registry.cameras
    ]
    if args.json:
        print(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
    else:
        print_table(rows)
    return 0


def _states(layout: Layout, camera_ids: Sequence[str]) -> dict[str, CameraStatus]:
    """Return the states that workers publish.

    Nothing is started for it: without a running instance no state is recent enough to be shown.
    """
    settings = complete_settings(Settings(), runtime_of(layout), instance_secrets(layout))
    if settings.redis_url is None:
        print(
            f"no instance runs on {layout.root}, so the states of its cameras are unknown",
            file=sys.stderr,
        )
        return {}
    with closing(connect(settings.redis_url.get_secret_value(), settings.redis_ca)) as redis:
        return CameraStates(redis).get(camera_ids)


def print_table(rows: list[CameraStatus]) -> None:
    """Print one line for each camera; colours only to a terminal."""
    table = [_HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    colours = ["", *(COLOURS.get(row.state, _RED) for row in rows)]
    has_colours = sys.stdout.isatty()
    for cells, colour in zip(table, colours, strict=True):
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        if has_colours and colour:
            padded[_STATE] = f"{colour}{padded[_STATE]}{_PLAIN}"
        print("  ".join(padded).rstrip())


def _cells(row: CameraStatus) -> tuple[str, ...]:
    since = rfc3339(row.since_ns)[:19] + "Z" if row.since_ns else ""
    picture = f"{row.codec} {row.width_px}x{row.height_px}" if row.codec else ""
    # A camera's answer may be in its error, so no control character reaches a terminal.
    sentence = " ".join(localized(Message(row.last_error)).split())
    error = "".join(one if one.isprintable() else "?" for one in sentence)
    return row.camera_id, row.state, since, picture, f"{row.fps:.1f}", row.why, error
