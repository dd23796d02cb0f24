"""`sightline policy`: check the file of an access policy."""

from __future__ import annotations

import argparse
import hashlib
import json

from domain.access_policy.check import read_policy
from domain.errors import PolicyInvalid
from domain.messages.message import Message
from sightline.active_policy import known_calls
from sightline.commands.cameras import print_faults
from sightline.commands.languages import localized


def check(args: argparse.Namespace) -> int:
    """Check a policy and list what each governed call needs. Return 1 with all its faults."""
    calls = known_calls()
    try:
        text, policy = read_policy(args.file, calls)
    except PolicyInvalid as invalid:
        return print_faults(invalid, args.json)
    needs = calls.needs(policy)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if args.json:
        print(json.dumps({"sha256": sha256, "faults": [], "calls": needs}, ensure_ascii=False))
        return 0
    for call, required in needs.items():
        print(f"{call}\t{', '.join(required)}")
    valid = Message(
        "{file}: no fault; {count} calls are governed; SHA-256 {sha256}",
        file=args.file,
        count=len(needs),
        sha256=sha256,
    )
    print(localized(valid))
    return 0
