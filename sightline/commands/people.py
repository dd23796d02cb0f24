"""`sightline user`: who may ask."""

from __future__ import annotations

import argparse
import json

from domain.people import Role

from domain.layout import Layout
from sightline.stores import open_stores


def add(args: argparse.Namespace) -> int:
    with open_stores(Layout(args.data.resolve())) as stores:
        token = stores.people.add(args.name, Role(args.role))
    print(f"{args.name} may now ask as {args.role}. This token is shown once; it is sent as  Authorization: Bearer TOKEN")
    print(token)
    return 0


def list_people(args: argparse.Namespace) -> int:
    with open_stores(Layout(args.data.resolve())) as stores:
        people = stores.people.list()
    if args.json:
        print(json.dumps([{"name": person.name, "role": person.role} for person in people], ensure_ascii=False))
    else:
        for person in people:
            print(f"{person.name}\t{person.role}")
    return 0
