"""An error of pydantic becomes a message with the template and the parts of pydantic."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from domain.messages.message import Message
from domain.messages.validation import validation_message


def _no_moon(text: str) -> str:
    raise ValueError(Message("names {body}, which is no camera", body=text))


class _Asked(BaseModel):
    limit: Annotated[int, Field(ge=1)] = 1
    order: Literal["newest", "oldest"] = "newest"
    name: Annotated[str, Field(max_length=1)] = ""
    corners: Annotated[list[int], Field(min_length=2)] = [1, 2]
    camera: Annotated[str, AfterValidator(_no_moon)] = ""


CASES = [
    ({"limit": 0}, "should be greater than or equal to {ge}", "greater than or equal to 1"),
    ({"limit": "x"}, "should be a valid integer, unable to parse string as an integer", "integer"),
    ({"order": "best"}, "should be {expected}", "should be 'newest' or 'oldest'"),
    (
        {"name": "ab"},
        "String should have at most {max_length} character{expected_plural}",
        "at most 1 character",
    ),
    (
        {"corners": [1]},
        "{field_type} should have at least {min_length} item{expected_plural} after validation, "
        "not {actual_length}",
        "at least 2 items",
    ),
    ({"camera": "moon"}, "names {body}, which is no camera", "names moon, which is no camera"),
]


@pytest.mark.parametrize(("asked", "template", "words"), CASES)
def test_a_fault_keeps_its_parts(asked: dict[str, object], template: str, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _Asked.model_validate(asked)
    (fault,) = refused.value.errors()
    message = validation_message(fault["type"], fault["msg"], fault.get("ctx", {}))
    assert message.template == template
    assert words in message
    assert fault["msg"].endswith(message)


def test_an_error_that_is_not_of_pydantic_is_its_own_text() -> None:
    message = validation_message("moon_error", "Input should be a moon", {})
    assert (message, dict(message.parts)) == ("should be a moon", {})
