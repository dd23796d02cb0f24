"""Whether an approval covers the terms of a call. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from domain.clock import parse_rfc3339

_WITHOUT_EFFECT = frozenset({"limit", "next", "order", "range", "after", "seconds", "replayed"})
"""Terms that choose a part of the answer, or its order, and never widen it."""


def decisive_terms(terms: Mapping[str, str]) -> dict[str, str]:
    """Return the terms of a call that an approval must have."""
    return {name: value for name, value in terms.items() if name not in _WITHOUT_EFFECT}


def are_terms_covered(approved: Mapping[str, str], called: Mapping[str, str]) -> bool:
    """Return whether a call has the approved terms; its range may be a part of the approved one.

    An absent term can widen a call as much as an additional one, so both must have the same.
    """
    asked, known = decisive_terms(called), decisive_terms(approved)
    if asked.keys() != known.keys():
        return False
    return all(_is_covered(name, known[name], value) for name, value in asked.items())


def _is_covered(name: str, approved: str, called: str) -> bool:
    if approved == called:
        return True
    if name not in ("from", "to"):
        return False
    try:
        approved_ns, called_ns = parse_rfc3339(approved), parse_rfc3339(called)
    except (ValueError, OverflowError):
        return False
    return called_ns >= approved_ns if name == "from" else called_ns <= approved_ns
