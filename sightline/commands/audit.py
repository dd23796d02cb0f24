"""`sightline audit list` and `sightline audit verify`: reads the audit lines of the site."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from domain.clock import SystemClock, rfc3339
from domain.log import escaped
from domain.paths.data_layout import Layout
from domain.plates import search_pattern
from domain.settings import Settings
from sightline.commands.times import parse_time
from sightline.processes.store_clients import open_stores
from storage.audit.check import verify as verify_lines
from storage.audit.line_kinds import LineKind
from storage.audit.reader import AuditPage, AuditQuery, AuditReader, LineOutcome, Position
from storage.audit.shipping import AuditShipper
from storage.site.audit import AuditLine, AuditLog

_PAGE = 500


def list_lines(args: argparse.Namespace) -> int:
    """Print lines, the newest first; return 1 if some lines that were read are damaged."""
    query = AuditQuery(
        person=args.person,
        call=args.call,
        camera=args.camera,
        event=args.event,
        case=args.case,
        outcome=None if args.outcome is None else LineOutcome(args.outcome),
        from_ns=_moment("--from", args.since),
        to_ns=_moment("--to", args.until),
        plate=None if args.plate is None else search_pattern(args.plate),
        kind=None if args.kind is None else LineKind(args.kind),
    )
    layout, settings, clock = Layout(args.data.resolve()), Settings(), SystemClock()
    with open_stores(layout) as stores:
        log = AuditLog(layout.audit, clock, settings.audit_limit_gb)
        shipper = AuditShipper(log, stores.objects, settings.node, clock)
        return _print(AuditReader(stores.objects, shipper, clock), query, args.limit, args.json)


def verify(args: argparse.Namespace) -> int:
    """Print what was read and every fault; return 1 if there is one."""
    with open_stores(Layout(args.data.resolve())) as stores:
        found = verify_lines(stores.objects)
    if args.json:
        print(json.dumps(asdict(found), ensure_ascii=False))
        return 1 if found.faults else 0
    for fault in found.faults:
        print(escaped(fault.reason))
    print(
        f"{found.lines} audit lines in {found.objects} objects, {found.repeated} of them repeated; "
        f"{len(found.faults)} faults"
    )
    return 1 if found.faults else 0


def _print(reader: AuditReader, query: AuditQuery, limit: int, as_json: bool) -> int:
    left, before, damaged = limit, None, False
    while True:
        page: AuditPage = reader.page(query, min(left, _PAGE), before)
        for line in page.lines:
            print(line.model_dump_json(by_alias=True) if as_json else _text(line))
        for fault in page.faults:
            print(f"damaged: {escaped(fault.reason)}", file=sys.stderr)
        damaged = damaged or bool(page.faults)
        left -= len(page.lines)
        following: Position | None = page.next
        if left <= 0 or following is None:
            break
        before = following
    for writer in page.writers:
        print(
            f"{writer.node} ({writer.writer}): complete until {rfc3339(writer.complete_until)}",
            file=sys.stderr,
        )
    return 1 if damaged else 0


def _text(line: AuditLine) -> str:
    """Return a line as columns; a tab or a line break in a text of a person is escaped."""
    terms = " ".join(f"{name}={value}" for name, value in line.terms.items())
    status = "-" if line.status is None else str(line.status)
    columns = (
        rfc3339(line.at), line.person or "-", line.address or "-", line.route, line.phase, status,
        terms, line.reason, line.case,
    )  # fmt: skip
    return "\t".join(map(escaped, columns))


def _moment(option: str, text: str | None) -> int | None:
    return None if text is None else parse_time(option, text)
