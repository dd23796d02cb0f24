"""Ambiguous bodies and numbers are refused."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, ValidationError

from api.routes import ROUTES
from domain.people import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.conftest import Site


def post(site: Site, path: str, body: str) -> tuple[int, dict[str, str]]:
    headers = {
        "Authorization": f"Bearer {site.tokens[Role.INVESTIGATOR]}",
        "Content-Type": "application/json",
        "X-Reason": "a test",
    }
    answer = site.http.post(site.url + path, content=body.encode(), headers=headers)
    return answer.status_code, answer.json()


def bodies() -> Iterator[type[BaseModel]]:
    """Yield the models of the bodies of all routes."""
    for route in ROUTES:
        for annotation in typing.get_type_hints(inspect.unwrap(route.endpoint)).values():
            is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
            if is_model and annotation.model_config.get("extra") == "forbid":
                yield annotation


def refused(model: type[BaseModel], name: str, value: object) -> bool:
    """Return whether a body is refused because of this value of a field."""
    try:
        model.model_validate({name: value})
    except ValidationError as error:
        return any(fault["loc"][:1] == (name,) for fault in error.errors())
    return False


def test_a_field_of_a_body_has_its_own_json_type() -> None:
    """`true` is no number and `"1"` neither: a client with such a body has a fault."""
    others: dict[type, tuple[object, ...]] = {
        int: (True, False, "1"),
        float: (True, False, "1"),
        bool: (1, 0, "true"),
        str: (1, True),
    }
    models = list(bodies())
    assert {"CorrectionAsked", "WatchAsked", "TriggerAsked"} <= {one.__name__ for one in models}
    for model in models:
        for name, field in model.model_fields.items():
            for value in others.get(typing.cast(type, field.annotation), ()):
                shown = field.alias or name
                assert refused(model, shown, value), f"{model.__name__}.{shown}: {value!r}"


@pytest.mark.parametrize(
    "body",
    [
        '{"event": "01JD7Z3V5G8M2K4Q6R9T1W3Y5A", "reason": "court", "reason": "none"}',
        '{"reason": "court", "event": "x", "event": "y"}',
    ],
)
def test_a_key_given_twice_is_refused(site: Site, body: str) -> None:
    """The audit log would otherwise be ambiguous."""
    status, problem = post(site, "/v1/holds", body)
    assert (status, problem["type"]) == (400, "urn:sightline:problem:query_invalid")
    assert "given twice" in problem["detail"]


def test_a_missing_body_is_reported(site: Site) -> None:
    status, problem = post(site, "/v1/holds", '{"reason": ')
    assert (status, problem["type"]) == (400, "urn:sightline:problem:bad_input")


def test_a_body_is_read_after_the_checks_of_its_sender(site: Site) -> None:
    answer = site.http.post(f"{site.url}/v1/holds", content=b'{"a": 1, "a": 2}')
    assert answer.status_code == 401


def test_true_is_no_duration(site: Site) -> None:
    path = "/v1/cameras/east-gate/triggers"
    status, problem = post(site, path, '{"reason": "a test", "duration_s": true}')
    assert (status, problem["field"]) == (400, "duration_s")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("/v1/events?limit=1_0", "limit"),
        ("/v1/cameras?limit=1_0", "limit"),
        ("/v1/events?min_confidence=0.1_0", "min_confidence"),
        ("/v1/events?lane=1_0", "lane"),
        ("/v1/events?near=11_1.5,32.5,100", "near"),
        ("/v1/events/histogram?buckets=1_0", "buckets"),
    ],
)
def test_an_underscore_is_no_digit(site: Site, query: str, field: str) -> None:
    answer = site.get(query)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize("path", ["/v1/holds", "/v1/cameras/east-gate/triggers"])
def test_a_body_of_another_media_type_is_refused(site: Site, media_type: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {site.tokens[Role.INVESTIGATOR]}"}
    headers |= {"Content-Type": media_type} if media_type else {}
    answer = site.http.post(site.url + path, content=b'{"reason": "a test"}', headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (
        415,
        "urn:sightline:problem:unsupported_media_type",
    )
    assert "application/json" in answer.json()["detail"]
