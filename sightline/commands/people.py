"""`sightline user`: the people of the site, their rights and their tokens."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any

from domain.camera_scope import CameraScope
from domain.clock import NS_PER_DAY, NS_PER_HOUR, SystemClock, parse_rfc3339, rfc3339
from domain.errors import BadInput
from domain.paths.data_layout import Layout
from domain.people import Right, Role
from domain.registry.visible_cameras import unknown_in_scope
from domain.settings import Settings
from sightline.cluster import site_registry
from sightline.processes.store_clients import open_stores, opened_people, people_of
from storage.openid.provider_people import ProviderPeople
from storage.site.people import NewToken, People
from storage.site.person_records import FIRST_TOKEN, PersonRecord, TokenRecord

_DURATION = re.compile(r"(\d{1,5})([hd])")
_SHOWN = {"name", "role", "grants", "areas", "classes", "cameras", "added_at"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def add(args: argparse.Namespace) -> int:
    expires_ns = expiry(args.expires, SystemClock().wall_ns())
    scope = CameraScope(tuple(args.area), tuple(args.class_), tuple(args.camera))
    _warn_of_unknown(scope, _layout(args))
    with opened_people(_layout(args)) as people:
        made = people.add(args.name, Role(args.role), _rights(args.grant), scope, expires_ns)
    _print_token(made, f"{args.name} was added as {args.role}.")
    return 0


def change(args: argparse.Namespace) -> int:
    """Change the role, the granted rights or the scope.

    `--grant none` takes back all rights that were granted, `--unlimited` all limits of the scope.
    """
    scope = _changed_scope(args)
    if args.role is None and args.grant is None and scope is None:
        raise BadInput(
            "give what to change: --role or --grant, or a scope by --area, --class, --camera or "
            "--unlimited"
        )
    if scope is not None:
        _warn_of_unknown(scope, _layout(args))
    role = None if args.role is None else Role(args.role)
    grants = None if args.grant is None else _rights(args.grant)
    with opened_people(_layout(args)) as people:
        record = people.change(args.name, role=role, grants=grants, scope=scope)
    print(_line(record))
    return 0


def token(args: argparse.Namespace) -> int:
    """Add a token, replace the one of the same name, or revoke one."""
    if args.revoke is not None:
        if args.token_name is not None or args.expires is not None:
            raise BadInput("--revoke stands alone: a revoked token has no name and no expiry")
        return _revoke(args, args.revoke)
    expires_ns = expiry(args.expires, SystemClock().wall_ns())
    name = args.token_name or FIRST_TOKEN
    with opened_people(_layout(args)) as people:
        made = people.add_token(args.name, name, expires_ns)
    _print_token(made, f"{args.name} has a new token {name!r}.")
    return 0


def revoke(args: argparse.Namespace) -> int:
    return _revoke(args, None)


def remove(args: argparse.Namespace) -> int:
    with opened_people(_layout(args)) as people:
        people.remove(args.name)
    print(f"{args.name} was removed")
    return 0


def restore(args: argparse.Namespace) -> int:
    """Let a removed person of the identity provider sign in again."""
    layout = _layout(args)
    with open_stores(layout) as stores:
        people = people_of(stores, Settings(), layout, SystemClock())
        ProviderPeople(people, stores.redis, SystemClock()).restore(args.name)
    print(f"{args.name} can sign in again")
    return 0


def sign(args: argparse.Namespace) -> int:
    """Sign the records of versions before the HMAC, after a check of what they grant."""
    with opened_people(_layout(args)) as people:
        names = people.sign_older()
        for name in names:
            print(_line(people.get(name)))
    print(f"{len(names)} records were signed")
    return 0


def list_people(args: argparse.Namespace) -> int:
    """List people by their records in the object store.

    Return 1 if a store has lost people or a record is not used; standard error names them.
    """
    layout = _layout(args)
    with open_stores(layout) as stores:
        people = people_of(stores, Settings(), layout, SystemClock())
        listing = stores.people.records()
        records = [record for record in listing.records if record.removed_at is None]
        faults = [
            *stores.identity.check().sentences(),
            *(f"the object store has no record of {name}, whom the index knows"
              for name in stores.people.lost()),
            *_not_used(people, records),
        ]  # fmt: skip
        lacking = [record.name for record in records if not stores.people.is_restored(record)]
    if args.json:
        print(json.dumps([_json(record) for record in records], ensure_ascii=False))
    else:
        for record in records:
            print(_line(record))
    for sentence in faults:
        print(sentence, file=sys.stderr)
    if lacking:
        print(
            f"the index has lost {', '.join(lacking)}: run  sightline index rebuild",
            file=sys.stderr,
        )
    for damaged in listing.damaged:
        print(f"{damaged.why}; the tokens of this person are not valid", file=sys.stderr)
    return 1 if faults else 0


def expiry(text: str | None, now_ns: int) -> int | None:
    """Parse `90d`, `12h`, a date or a time of RFC 3339. Raises BadInput."""
    if text is None:
        return None
    duration = _DURATION.fullmatch(text)
    if duration is not None:
        unit_ns = NS_PER_DAY if duration[2] == "d" else NS_PER_HOUR
        return now_ns + int(duration[1]) * unit_ns
    try:
        return parse_rfc3339(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text)
    except (ValueError, OverflowError) as error:
        raise BadInput(
            "--expires {text} is not a duration such as 90d or 12h, a date "
            "such as 2026-12-31, or a time of RFC 3339",
            text=repr(text),
        ) from error


def _layout(args: argparse.Namespace) -> Layout:
    return Layout(args.data.resolve())


def _changed_scope(args: argparse.Namespace) -> CameraScope | None:
    """Return the new scope, which replaces the former one as a whole; None if none is given."""
    scope = CameraScope(tuple(args.area), tuple(args.class_), tuple(args.camera))
    if args.unlimited and not scope.is_unlimited:
        raise BadInput("--unlimited stands alone: it removes all limits of the scope")
    return scope if args.unlimited or not scope.is_unlimited else None


def _warn_of_unknown(scope: CameraScope, layout: Layout) -> None:
    """Warn of names that the registry lacks. They may be added later, so they are no error."""
    for warning in unknown_in_scope(scope, site_registry.running_registry(layout)):
        print(warning, file=sys.stderr)


def _rights(names: list[str] | None) -> tuple[Right, ...]:
    if names is None or names == ["none"]:
        return ()
    if "none" in names:
        raise BadInput("--grant none stands alone: it takes back all granted rights")
    return tuple(map(Right, names))


def _revoke(args: argparse.Namespace, token_name: str | None) -> int:
    with opened_people(_layout(args)) as people:
        people.revoke(args.name, token_name)
    what = "all tokens and sessions" if token_name is None else f"the token {token_name!r}"
    print(f"{what} of {args.name} can no longer be used")
    return 0


def _not_used(people: People, records: list[PersonRecord]) -> list[str]:
    return [
        f"the record of {record.name} is "
        + ("not signed by this site" if record.is_signed else "not signed")
        + ", so the tokens of this person are not valid; see  sightline user sign"
        for record in records
        if not people.is_authentic(record)
    ]


def _print_token(made: NewToken, sentence: str) -> None:
    print(f"{sentence} This token is shown once; it is sent as  Authorization: Bearer TOKEN")
    print(made.token)


def _line(record: PersonRecord) -> str:
    parts = [record.name, record.role.value]
    if record.grants:
        parts.append("+" + ",".join(record.grants))
    limits = (("areas", record.areas), ("classes", record.classes), ("cameras", record.cameras))
    parts += [f"{name}: {', '.join(values)}" for name, values in limits if values]
    if record.identity is not None:
        parts.append(f"signs in as {record.identity.subject} of {record.identity.issuer}")
    parts.append("tokens: " + (", ".join(map(_token_text, record.tokens)) or "none"))
    return "\t".join(parts)


def _token_text(one: TokenRecord) -> str:
    return one.name if one.expires_at is None else f"{one.name} until {rfc3339(one.expires_at)}"


def _json(record: PersonRecord) -> dict[str, Any]:
    found = record.model_dump(mode="json", include=_SHOWN)
    identity = record.identity
    shown = None if identity is None else identity.model_dump(include={"issuer", "subject", "name"})
    return found | {
        "identity": shown,
        "tokens": [
            token.model_dump(mode="json", include={"name", "added_at", "expires_at"})
            for token in record.tokens
        ],
    }
