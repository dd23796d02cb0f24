"""`sightline policy`: check the file of an access policy."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import asdict

from domain.access_policy.check import read_policy
from domain.errors import PolicyInvalid
from sightline.active_policy import known_calls


def check(args: argparse.Namespace) -> int:
    """Check a policy and list what each governed call needs. Return 1 with all its faults."""
    calls = known_calls()
    try:
        text, policy = read_policy(args.file, calls)
    except PolicyInvalid as invalid:
        return _print_faults(invalid, args.json)
    needs = calls.needs(policy)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if args.json:
        print(json.dumps({"sha256": sha256, "faults": [], "calls": needs}, ensure_ascii=False))
        return 0
    for call, required in needs.items():
        print(f"{call}\t{', '.join(required)}")
    print(f"{args.file}: no fault; {len(needs)} calls are governed; SHA-256 {sha256}")
    return 0


def _print_faults(invalid: PolicyInvalid, as_json: bool) -> int:
    """Print all faults; JSON goes to standard output, text to standard error."""
    if as_json:
        faults = [asdict(fault) for fault in invalid.faults]
        print(json.dumps({"faults": faults}, ensure_ascii=False))
    else:
        print(invalid, file=sys.stderr)
        print(f"{len(invalid.faults)} faults", file=sys.stderr)
    return 1
