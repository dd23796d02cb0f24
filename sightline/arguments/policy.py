"""Arguments of `sightline policy`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sightline.arguments.options import Commands, add_command, add_json


def add_policy(commands: Commands[argparse.ArgumentParser]) -> None:
    policy = commands.add_parser("policy", help="check the access policy of a site").add_subparsers(
        metavar="ACTION", required=True
    )
    check = add_command(
        policy,
        "check",
        "check a policy file, and list the calls that it governs",
        "policy",
        "check",
    )
    check.add_argument("file", type=Path, metavar="FILE", help="policy file to check")
    add_json(check)
