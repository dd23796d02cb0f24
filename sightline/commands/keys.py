"""`sightline keys`: the site's root and the certificates that it signs."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime

from domain.clock import SystemClock
from domain.errors import BadInput
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.keys.bundle import export_api, export_node, export_public, read_bundle
from sightline.keys.expiry import expiry_warnings
from sightline.keys.register import CertificateRecord, Purpose
from sightline.keys.site_keys import SiteKeys


def init(args: argparse.Namespace) -> int:
    """Make what is absent, or take over what another machine of the site has exported."""
    keys = _keys(args)
    if args.source is not None:
        keys.adopt(*read_bundle(args.source))
        print(f"the keys and certificates of {args.source} are in {keys.files.folder}")
    made = keys.ensure(Settings().node, args.host) if args.source is None else []
    for record in made:
        print(_line(record, keys.now))
    if args.source is None and not made:
        print(f"{keys.files.folder} has all keys; nothing was changed")
    return 0


def list_keys(args: argparse.Namespace) -> int:
    """List all certificates; what expires soon or has expired is on standard error too."""
    keys = _keys(args)
    register, now = keys.register(), keys.now
    if args.json:
        found = [_fields(record, now) for record in register.certificates]
        print(json.dumps(found, ensure_ascii=False))
    else:
        for record in register.certificates:
            print(_line(record, now))
    for sentence in expiry_warnings(register, now):
        print(sentence, file=sys.stderr)
    return 0


def rotate(args: argparse.Namespace) -> int:
    keys, node = _keys(args), Settings().node
    record = keys.rotate(Purpose(args.purpose), node, args.host, is_revoking=args.revoke)
    made = [record]
    if args.purpose == Purpose.ROOT and args.revoke:
        # What the revoked root signed is no longer trusted.
        made += keys.ensure(node, args.host)
    for one in made:
        print(_line(one, keys.now))
    print(
        "Other machines of the site need the new certificates: `sightline keys export --out DIR` "
        "here, `sightline keys init --from DIR/trust.json` there. Restart the processes of this "
        "machine to use new keys now."
    )
    return 0


def export(args: argparse.Namespace) -> int:
    keys = _keys(args)
    if not keys.register().certificates:
        raise BadInput(
            "{folder} has no keys; run  sightline keys init  first", folder=keys.files.folder
        )
    if args.revoke and args.node is None:
        raise BadInput("--revoke is for the former keys of a node; name it with --node")
    if args.node is not None:
        files = [export_node(keys, args.out, args.node, is_revoking=args.revoke)]
    elif args.api:
        if not args.host:
            raise BadInput("name the addresses of the API with --host")
        files = [export_api(keys, args.out, args.host)]
    else:
        files = export_public(keys, args.out)
    for file in files:
        print(file)
    if args.node is not None or args.api:
        print(
            "This bundle holds private keys. Move it over a safe channel, run  sightline keys "
            "init --from FILE  on the other machine, and delete it.",
            file=sys.stderr,
        )
    if args.revoke:
        print(
            "The API refuses the former key once its machines have the new trust.json of  "
            "sightline keys export.",
            file=sys.stderr,
        )
    return 0


def _keys(args: argparse.Namespace) -> SiteKeys:
    return SiteKeys(Layout(args.data.resolve()).keys, SystemClock())


def _state(record: CertificateRecord, now: datetime) -> str:
    if record.is_revoked:
        return "revoked"
    if now >= record.certificate.not_valid_after_utc:
        return "expired"
    if record.retired is not None:
        return "retired"
    return "in use" if record.is_here else "in use elsewhere"


def _fields(record: CertificateRecord, now: datetime) -> dict[str, object]:
    certificate = record.certificate
    return {
        "purpose": record.purpose,
        "subject": record.subject,
        "sha256": record.fingerprint,
        "not_before": _rfc3339(certificate.not_valid_before_utc),
        "not_after": _rfc3339(certificate.not_valid_after_utc),
        "state": _state(record, now),
        "expires_soon": record.expires_soon(now),
    }


def _line(record: CertificateRecord, now: datetime) -> str:
    certificate = record.certificate
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return "\t".join(
        (
            record.purpose,
            record.subject or "-",
            record.fingerprint,
            f"{start:%Y-%m-%d} to {end:%Y-%m-%d}",
            _state(record, now),
        )
    )


def _rfc3339(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
