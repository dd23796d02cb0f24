"""`sightline export`: the recordings of several cameras as one ZIP file."""

from __future__ import annotations

import argparse
import json
import threading
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress

from api.exports.local_export import LocalExport
from api.exports.models import ExportAsked
from domain.clock import SystemClock
from domain.errors import BadInput
from domain.messages.validation import validation_message
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.processes.command_audit import local_user
from sightline.processes.instance import complete_settings, instance_secrets, runtime_of
from sightline.site_context import make_context
from storage.exports.records import ExportRecord

_TO_PEOPLE = Console(stderr=True)
_DOING = {"read": "reading and hashing", "write": "writing"}


def run(args: argparse.Namespace) -> int:
    """Create an export or continue one, and write its file. It may be stopped and continued."""
    layout, clock = Layout(args.data.resolve()), SystemClock()
    runtime, settings = runtime_of(layout), Settings()
    if runtime is None and (settings.redis_url is None or settings.s3_endpoint is None):
        raise BadInput(
            "no instance runs on {data}; start it, because it has the recordings", data=args.data
        )
    if args.out.exists():
        raise BadInput("{out} exists already; name another file", out=args.out)
    asked = _asked(args) if args.id is None else None
    context = make_context(
        layout, complete_settings(settings, runtime, instance_secrets(layout)), clock, "export"
    )
    stop = threading.Event()
    with Progress(console=_TO_PEOPLE) as shown:
        task = shown.add_task(_DOING["read"], total=1.0)
        export = LocalExport(
            context,
            lambda what, part: shown.update(task, description=_DOING[what], completed=part),
        )
        export_id = args.id
        if asked is not None:
            record = export.create(asked, f"local:{local_user()}", args.case or "")
            export_id = record.id
        shown.console.print(f"export {export_id}; if this stops, continue it with --id {export_id}")
        record = export.read(export_id, stop)
        size_bytes = export.write(record, args.out)
    _print(record, args.out, size_bytes, args.json)
    return 0


def _asked(args: argparse.Namespace) -> ExportAsked:
    missing = [
        option
        for option, value in (
            ("--camera", args.cameras),
            ("--from", args.since),
            ("--to", args.until),
            ("--reason", args.reason),
        )
        if not value
    ]
    if missing:
        raise BadInput(
            "give {missing}, or --id of an export to continue", missing=", ".join(missing)
        )
    ranges = [{"camera": one, "from": args.since, "to": args.until} for one in args.cameras]
    try:
        return ExportAsked.model_validate({"ranges": ranges, "reason": args.reason})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = {"from": "--from", "to": "--to", "reason": "--reason"}.get(
            str(first["loc"][-1]), "--camera"
        )
        fault = validation_message(first["type"], first["msg"], first.get("ctx", {}))
        raise BadInput("{field}: {fault}", field=field, fault=fault) from error


def _print(record: ExportRecord, out: Path, size_bytes: int, as_json: bool) -> None:
    gaps = [
        {"camera": requested.camera, **gap.model_dump(mode="json", by_alias=True)}
        for requested, result in zip(record.ranges, record.results, strict=True)
        for gap in result.gaps
    ]
    if as_json:
        found = {
            "id": record.id,
            "file": str(out),
            "size_bytes": size_bytes,
            "files": len(record.members),
            "gaps": gaps,
        }
        print(json.dumps(found, ensure_ascii=False))
        return
    for gap in gaps:
        print(f"missing: {gap['camera']} {gap['from']}/{gap['to']} {gap['cause']} {gap['detail']}")
    print(f"{out}: recordings: {len(record.members)}, bytes: {size_bytes}")
