"""Arguments of `sightline map`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sightline.arguments.options import Commands, add_command, add_json


def add_map(commands: Commands[argparse.ArgumentParser]) -> None:
    base_map = commands.add_parser("map", help="check the base map of a site").add_subparsers(
        metavar="ACTION", required=True
    )
    check = add_command(
        base_map, "check", "check a whole map file, and print what it has", "base_map", "check"
    )
    check.add_argument("file", type=Path, metavar="FILE", help="PMTiles file to check")
    add_json(check)
