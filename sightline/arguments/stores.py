"""Arguments of the commands that check and rebuild what is stored: `index`, `storage`, `retention`
and `audit`."""

from __future__ import annotations

import argparse

from sightline.arguments.options import (
    TIME_FORM,
    Commands,
    add_command,
    add_data,
    add_json,
    count,
    record_changes,
)

OUTCOMES = ("done", "refused", "failed", "intended")
KINDS = ("search", "video", "export", "change", "sign_in", "list")


def add_index(commands: Commands[argparse.ArgumentParser]) -> None:
    index = commands.add_parser("index", help="maintain the event index").add_subparsers(
        metavar="ACTION", required=True
    )
    rebuild = add_command(
        index,
        "rebuild",
        "rebuild the index from the object store: events, people and rights",
        "stores",
        "rebuild_index",
    )
    rebuild.add_argument(
        "--from-sidecars",
        action="store_true",
        help="read the sidecar of every event instead of the journals (slow)",
    )
    rebuild.add_argument(
        "--whole",
        action="store_true",
        help="also read the journals of archived events, for example if archive files are lost",
    )
    rebuild.add_argument(
        "--force",
        action="store_true",
        help="accept that the object store has lost data of the site: people without a record "
        "are removed",
    )
    archive = add_command(
        index,
        "archive",
        "move events older than SIGHTLINE_INDEX_DAYS to the archive now",
        "stores",
        "archive_index",
    )
    record_changes(rebuild, "command.index_rebuild", "from_sidecars", "whole")
    record_changes(archive, "command.index_archive")
    for command in (rebuild, archive):
        add_data(command)
        add_json(command)


def add_storage(commands: Commands[argparse.ArgumentParser]) -> None:
    storage = commands.add_parser("storage", help="check stored data").add_subparsers(
        metavar="ACTION", required=True
    )
    check = add_command(
        storage,
        "check",
        "check the storage invariants and list every violation",
        "stores",
        "check_storage",
    )
    check.add_argument(
        "--deep",
        action="store_true",
        help="also read every clip and decode every recording of this node",
    )
    retention = commands.add_parser("retention", help="delete expired data").add_subparsers(
        metavar="ACTION", required=True
    )
    run = add_command(
        retention,
        "run",
        "delete data now that has expired and is not under legal hold",
        "retention",
        "run",
    )
    run.add_argument("--dry-run", action="store_true", help="only show what would be deleted")
    record_changes(run, "command.retention_run")
    for command in (check, run):
        add_data(command)
        add_json(command)


def add_audit(commands: Commands[argparse.ArgumentParser]) -> None:
    audit = commands.add_parser("audit", help="read the audit log of the site").add_subparsers(
        metavar="ACTION", required=True
    )
    listing = add_command(
        audit, "list", "list audit lines, the newest first", "audit", "list_lines"
    )
    for name, help_text in (
        ("person", "name of a person"),
        ("call", "audit term of a call, for example camera.recording"),
        ("camera", "id of a camera"),
        ("event", "id of an event"),
        ("case", "a case"),
        ("plate", "a whole plate: its searches, and those for a part of it"),
    ):
        listing.add_argument(f"--{name}", metavar="TEXT", help=help_text)
    listing.add_argument("--kind", choices=KINDS, help="what the call is about")
    listing.add_argument("--outcome", choices=OUTCOMES, help="how the call ended")
    listing.add_argument(
        "--from", dest="since", metavar="TIME", help=f"at or after this time: {TIME_FORM}"
    )
    listing.add_argument("--to", dest="until", metavar="TIME", help="before this time")
    listing.add_argument(
        "--limit", type=count, default=100, metavar="N", help="most lines (default: 100)"
    )
    terms = (
        "person",
        "call",
        "camera",
        "event",
        "case",
        "plate",
        "kind",
        "outcome",
        "since",
        "until",
        "limit",
    )
    record_changes(listing, "command.audit_list", *terms)
    verify = add_command(
        audit, "verify", "read all audit lines and report damaged ones", "audit", "verify"
    )
    for command in (listing, verify):
        add_data(command)
        add_json(command)
