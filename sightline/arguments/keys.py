"""Arguments of `sightline keys`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sightline.arguments.options import Commands, add_command, add_data, add_json, record_changes

KEY_PURPOSES = ("root", "api", "api-signing", "node", "evidence")


def add_keys(commands: Commands[argparse.ArgumentParser]) -> None:
    keys = commands.add_parser("keys", help="manage the certificates of the site").add_subparsers(
        metavar="ACTION", required=True
    )
    init = add_command(
        keys, "init", "make the keys and certificates that are absent", "keys", "init"
    )
    init.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FILE",
        help="take over a file of `sightline keys export` of another machine instead",
    )
    init.set_defaults(makes_data=True)
    listing = add_command(
        keys, "list", "list the certificates and warn before they expire", "keys", "list_keys"
    )
    rotate = add_command(
        keys,
        "rotate",
        "make a new key; the old certificate still verifies old signatures",
        "keys",
        "rotate",
    )
    rotate.add_argument("purpose", choices=KEY_PURPOSES, help="which key to replace")
    rotate.add_argument(
        "--revoke",
        action="store_true",
        help="do not trust the old certificate any more, because its key was stolen",
    )
    export = add_command(
        keys,
        "export",
        "write the public certificates, or a bundle with the keys of another machine",
        "keys",
        "export",
    )
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    kinds = export.add_mutually_exclusive_group()
    kinds.add_argument("--node", metavar="NAME", help="write a bundle with a new key for a node")
    kinds.add_argument(
        "--api", action="store_true", help="write a bundle for an API on another machine"
    )
    export.add_argument(
        "--revoke",
        action="store_true",
        help="with --node: do not trust the former keys of the node any more, because they were "
        "stolen",
    )
    for command in (init, rotate, export):
        command.add_argument(
            "--host",
            action="append",
            default=[],
            metavar="NAME",
            help="name or address of the API that its certificate is for; may be repeated",
        )
    record_changes(init, "command.keys_init", "source", "host")
    record_changes(rotate, "command.keys_rotate", "purpose", "revoke", "host")
    record_changes(export, "command.keys_export", "out", "node", "revoke", "api", "host")
    for command in (init, listing, rotate, export):
        add_data(command)
    add_json(listing)
