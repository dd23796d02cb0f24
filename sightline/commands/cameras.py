"""`sightline cameras`: check a registry; list the cameras of a running instance."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from domain.camera_states import CameraState, CameraStatus
from domain.clock import rfc3339
from domain.errors import RegistryInvalid
from domain.paths.data_layout import Layout
from domain.registry.check import read_registry, registry_warnings
from sightline.cluster import site_registry
from sightline.processes.store_clients import open_stores

COLOURS = {
    CameraState.LIVE: "green",
    CameraState.CLOCK_WRONG: "yellow",
    CameraState.SPARSE_KEYFRAMES: "yellow",
    CameraState.CONNECTING: "yellow",
    CameraState.IDLE: "blue",
    CameraState.UNKNOWN: "dim",
}


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
            print(f"warning: {warning}", file=sys.stderr)
        print(
            f"{args.file}: {len(registry.cameras)} cameras in {len(registry.areas)} areas, no fault"
        )
    return 0


def print_faults(invalid: RegistryInvalid, as_json: bool) -> int:
    """Print all faults with their place; return the exit code.

    JSON goes to standard output, text to standard error.
    """
    if as_json:
        print(
            json.dumps({"faults": [asdict(fault) for fault in invalid.faults]}, ensure_ascii=False)
        )
    else:
        print(invalid, file=sys.stderr)
        print(f"{len(invalid.faults)} faults", file=sys.stderr)
    return 1


def list_cameras(args: argparse.Namespace) -> int:
    layout = Layout(args.data.resolve())
    registry, _ = site_registry.running(layout)
    with open_stores(layout) as stores:
        states = stores.states.get([camera.id for camera in registry.cameras])
    rows = [
        states.get(camera.id) or CameraStatus(camera.id, CameraState.UNKNOWN, 0)
        for camera in registry.cameras
    ]
    if args.json:
        print(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
    else:
        _print_table(rows)
    return 0


def _print_table(rows: list[CameraStatus]) -> None:
    table = Table()
    for name in ("camera", "state", "since", "picture", "fps"):
        table.add_column(name, no_wrap=True)
    table.add_column("last error", overflow="fold")
    for row in rows:
        colour = COLOURS.get(row.state, "red")
        since = rfc3339(row.since_ns)[:19] + "Z" if row.since_ns else ""
        picture = f"{row.codec} {row.width_px}x{row.height_px}" if row.codec else ""
        table.add_row(
            row.camera_id,
            f"[{colour}]{row.state}[/{colour}]",
            since,
            picture,
            f"{row.fps:.1f}",
            row.last_error,
        )
    console = Console()
    if not console.is_terminal:  # a pipe has no width, and no text may be truncated for it
        console = Console(width=200)
    console.print(table)
