"""Times in requests are bounded, and invalid ones are refused with an example."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest
from pydantic import BaseModel, ValidationError

import api
from api.requests.times import parse_body_moment

_BODIES = {
    kind
    for module in pkgutil.walk_packages(api.__path__, "api.")
    for kind in vars(import_module(module.name)).values()
    if isinstance(kind, type) and issubclass(kind, BaseModel) and kind.__name__.endswith("Asked")
}
_TIMES = [
    (kind, name)
    for kind in sorted(_BODIES, key=lambda kind: kind.__name__)
    for name, field in kind.model_json_schema(by_alias=False)["properties"].items()
    if "date-time" in str(field)
]


def test_the_bodies_of_requests_are_found() -> None:
    assert {kind.__name__ for kind in _BODIES} >= {"HoldAsked", "WatchAsked", "CorrectionAsked"}
    assert {name for _, name in _TIMES} >= {"from_", "to", "until"}


@pytest.mark.parametrize(("kind", "name"), _TIMES)
@pytest.mark.parametrize(
    "value", [-5, 0, 1.5, True, "0026-11-29T17:00:00Z", "9999-12-31T23:59:59-14:00"]
)
def test_every_time_in_a_body_has_bounds(kind: type[BaseModel], name: str, value: object) -> None:
    key = kind.model_fields[name].alias or name
    with pytest.raises(ValidationError) as refused:
        kind.model_validate({key: value})
    (said,) = [error["msg"] for error in refused.value.errors() if error["loc"][0] == key]
    assert "RFC 3339" in said or "between 1970 and 9999" in said


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (1_760_000_000, "must be a string"),
        ("0026-11-29T17:00:00Z", "between 1970 and 9999"),
        ("9999-12-31T23:59:59-14:00", "between 1970 and 9999"),
        ("2026-11-29T17:00:00", "with a time zone"),
        ("yesterday", "must be a time of RFC 3339, such as"),
    ],
)
def test_a_wrong_time_is_refused_with_an_example(value: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_body_moment(value)
