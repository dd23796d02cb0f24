"""Arguments of `sightline cameras`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sightline.arguments.options import Commands, add_command, add_data, add_json, record_changes


def add_cameras(commands: Commands[argparse.ArgumentParser]) -> None:
    cameras = commands.add_parser("cameras", help="manage the camera registry").add_subparsers(
        metavar="ACTION", required=True
    )
    check = add_command(
        cameras,
        "check",
        "check a registry and list all faults with line and column",
        "cameras",
        "check",
    )
    check.add_argument("file", type=Path, metavar="FILE", help="camera_registry.yaml")
    diff = add_command(
        cameras, "diff", "show the changes that applying a registry would make", "applying", "diff"
    )
    apply = add_command(
        cameras,
        "apply",
        "check and apply a registry; unchanged cameras are not interrupted",
        "applying",
        "apply",
    )
    for command in (diff, apply):
        command.add_argument("file", type=Path, metavar="FILE", help="camera_registry.yaml")
        add_data(command)
    record_changes(apply, "command.cameras_apply", "file")
    listing = add_command(
        cameras,
        "list",
        "list the cameras of a running instance and their states",
        "cameras",
        "list_cameras",
    )
    add_data(listing)
    for command in (check, diff, apply, listing):
        add_json(command)
