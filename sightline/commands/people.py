"""`sightline user`: adds and lists the people who may use the API."""

from __future__ import annotations

import argparse
import json
import sys

from domain.paths.data_layout import Layout
from domain.people import Role
from sightline.processes.store_clients import open_stores


def add(args: argparse.Namespace) -> int:
    with open_stores(Layout(args.data.resolve())) as stores:
        token = stores.people.add(args.name, Role(args.role))
    print(
        f"{args.name} now has the role {args.role}. This token is shown once; it is sent as  "
        "Authorization: Bearer TOKEN"
    )
    print(token)
    return 0


def list_people(args: argparse.Namespace) -> int:
    """List the people that the object store has on record.

    Return 1 where a store has lost people, who are named on standard error.
    """
    with open_stores(Layout(args.data.resolve())) as stores:
        listing = stores.people.records()
        records = listing.records
        faults = stores.identity.check().sentences()
        lost = [person.name for person in stores.people.lost()]
        lacking = [record.name for record in records if not stores.people.is_restored(record)]
    if args.json:
        print(
            json.dumps(
                [{"name": record.name, "role": record.role} for record in records],
                ensure_ascii=False,
            )
        )
    else:
        for record in records:
            print(f"{record.name}\t{record.role}")
    for sentence in faults:
        print(sentence, file=sys.stderr)
    if lost:
        print(
            f"the object store has no record of {', '.join(lost)}, whom the index knows",
            file=sys.stderr,
        )
    if lacking:
        print(
            f"the index has lost {', '.join(lacking)}: run  sightline index rebuild",
            file=sys.stderr,
        )
    for damaged in listing.damaged:
        print(f"{damaged.why}; the token of such a person opens nothing", file=sys.stderr)
    return 1 if faults or lost else 0
