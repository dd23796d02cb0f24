"""Parses the weighted lists of `Accept`, `Accept-Encoding` and `Accept-Language`.

RFC 9110, section 12.4.2 defines the weights.
"""

from __future__ import annotations


def weights(header: str) -> dict[str, float]:
    """Return the weight of each value of a header, by the value in lower case, in its order.

    A value without a weight has 1, and one with a malformed weight has 0.
    """
    found: dict[str, float] = {}
    for part in header.split(","):
        value, *parameters = (text.strip().lower() for text in part.split(";"))
        if value:
            found[value] = _weight(parameters)
    return found


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() != "q":
            continue
        try:
            weight = float(value)
        except ValueError:
            return 0.0
        return weight if 0.0 <= weight <= 1.0 else 0.0
    return 1.0
