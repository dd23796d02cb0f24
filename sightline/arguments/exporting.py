"""Arguments of `sightline export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sightline.arguments.options import (
    TIME_FORM,
    Commands,
    add_command,
    add_data,
    add_json,
    record_changes,
)


def add_exporting(commands: Commands[argparse.ArgumentParser]) -> None:
    export = add_command(
        commands,
        "export",
        "write the recordings of several cameras as one ZIP file",
        "exporting",
        "run",
    )
    export.add_argument(
        "--camera",
        dest="cameras",
        action="append",
        metavar="ID",
        help="camera to export; may be repeated",
    )
    export.add_argument(
        "--from", dest="since", metavar="TIME", help=f"start of the range: {TIME_FORM}"
    )
    export.add_argument("--to", dest="until", metavar="TIME", help="end of the range")
    export.add_argument("--reason", metavar="TEXT", help="why; it is in the manifest")
    export.add_argument("--case", metavar="CASE", help="the case that it belongs to")
    export.add_argument("--id", metavar="EXPORT", help="continue this export")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="ZIP file to write")
    terms = ("cameras", "since", "until", "reason", "case", "id", "out")
    record_changes(export, "command.export", *terms)
    add_data(export)
    add_json(export)
