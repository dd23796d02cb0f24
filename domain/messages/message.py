"""A sentence for people with its template and its parts.

A message is its English sentence, so it can be logged, stored and compared as text. What shows it
in another language looks up the template and fills in the parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

Part = str | int | float | datetime | PurePath | BaseException | None
"""What a site that makes a message may fill in. An error is filled in as its message, if it has
one. A `Message` is a `str`, and keeps its own template and parts.
"""
Form = dict[str, Any]
"""A message in JSON: `{"template": …, "parts": {name: …}}`. A part is a text, a number,
`{"at": RFC 3339}` or the form of another message. A part of another form is kept as it is.
"""
Filling = str | int | float | datetime | Form
_NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Message(str):
    """An English sentence. `template` has `{name}` where the part of this name is filled in.

    Other braces of a template, and names without a part, stay as they are. So any text is a message
    without parts, and a part may hold any text.
    """

    template: str
    parts: Mapping[str, Filling]

    def __new__(cls, template: str, /, **parts: Part) -> Self:
        if isinstance(template, cls) and not parts:
            return template
        return cls.of(template, {name: _filling(part) for name, part in parts.items()})

    @classmethod
    def of(cls, template: str, parts: Mapping[str, Filling]) -> Self:
        """Return the message with these parts, whose names may be any that a template allows."""
        message = super().__new__(cls, filled(template, parts))
        message.template = str(template)
        message.parts = MappingProxyType(dict(parts))
        return message

    @classmethod
    def of_form(cls, form: object, text: str = "") -> Self:
        """Return the message of a form; `text` without parts if it is none, as in an old record."""
        if isinstance(form, dict) and isinstance(template := form.get("template"), str):
            parts = form.get("parts")
            return cls.of(
                template,
                {str(name): _read(part) for name, part in parts.items()}
                if isinstance(parts, dict)
                else {},
            )
        return cls(text)

    @property
    def form(self) -> Form:
        """The message in JSON."""
        return {
            "template": self.template,
            "parts": {name: _written(part) for name, part in self.parts.items()},
        }

    def translated(self, template_of: Callable[[str], str | None]) -> Message:
        """Return the message in another language. `template_of` returns a template in it, or None.

        A template that is not known stays English; the messages within are translated for
        themselves.
        """
        parts = {
            name: part.translated(template_of) if isinstance(part, Message) else part
            for name, part in self.parts.items()
        }
        return Message.of(template_of(self.template) or self.template, parts)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).of, (self.template, dict(self.parts))

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _validated,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda one: one.form),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "object",
            "properties": {
                "template": {"type": "string"},
                "parts": {
                    "type": "object",
                    "additionalProperties": {
                        "anyOf": [{"type": "string"}, {"type": "number"}, {"type": "object"}]
                    },
                },
            },
            "required": ["template", "parts"],
        }


def filled(template: str, parts: Mapping[str, Filling]) -> str:
    """Return a template with its parts. A part is data: names in braces within it are kept."""

    def part_of(found: re.Match[str]) -> str:
        name = found[1]
        return _text(parts[name]) if name in parts else found[0]

    return _NAME.sub(part_of, template)


def with_parts(text: str) -> Message | None:
    """Return `text` if it is a message with parts: what a record stores with its English text."""
    return text if isinstance(text, Message) and text.parts else None


def system_reason(error: BaseException) -> Message:
    """Return what the operating system or a library says of an error, as a message."""
    return Message.of((error.strerror if isinstance(error, OSError) else None) or str(error), {})


def joined(messages: Sequence[Message]) -> Message:
    """Return one message of several, with a semicolon between them."""
    return _halved(messages, lambda first, rest: Message("{first}; {rest}", first=first, rest=rest))


def joined_names(names: Sequence[str]) -> Message:
    """Return names as one message, with the comma of the language between them."""
    return _halved(
        [Message.of(name, {}) for name in names],
        lambda first, rest: Message("{first}, {rest}", first=first, rest=rest),
    )


def _halved(messages: Sequence[Message], join: Callable[[Message, Message], Message]) -> Message:
    """Join messages by halves, so that the form of hundreds is nested less than ten times."""
    if len(messages) == 1:
        return messages[0]
    half = len(messages) // 2
    return join(_halved(messages[:half], join), _halved(messages[half:], join))


def names_in(template: str) -> tuple[str, ...]:
    """Return the names of the parts of a template, in their order."""
    return tuple(dict.fromkeys(_NAME.findall(template)))


def _filling(part: Part) -> Filling:
    if isinstance(part, BaseException):
        message = getattr(part, "message", None)
        return message if isinstance(message, Message) else _of_cause(part)
    if isinstance(part, Message) or (
        isinstance(part, int | float | datetime) and not isinstance(part, bool)
    ):
        return part
    return str(part)


def _of_cause(error: BaseException) -> str:
    """Return the text of a foreign error; a `ValueError` may have been given a message."""
    first = error.args[0] if len(error.args) == 1 else None
    return first if isinstance(first, Message) else str(error)


def _text(part: Filling) -> str:
    if isinstance(part, float):
        return f"{part:.10g}"
    if isinstance(part, datetime):
        return _rfc3339(part)
    if isinstance(part, dict):
        return str(part.get("text", ""))
    return str(part)


def _rfc3339(moment: datetime) -> str:
    at = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{at.isoformat(timespec='milliseconds')}Z"


def _written(part: Filling) -> Any:
    if isinstance(part, Message):
        return part.form
    return {"at": _rfc3339(part)} if isinstance(part, datetime) else part


def _read(part: object) -> Filling:
    if isinstance(part, dict):
        if isinstance(part.get("template"), str):
            return Message.of_form(part)
        at = part.get("at")
        return _moment(at) if isinstance(at, str) else part
    return part if isinstance(part, str | int | float) else str(part)


def _moment(text: str) -> datetime | str:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def _validated(value: object) -> Message:
    if isinstance(value, Message):
        return value
    if isinstance(value, dict) and isinstance(value.get("template"), str):
        return Message.of_form(value)
    raise ValueError("should be a message with a template and parts")


NO_MESSAGE = Message("")
"""The message of what has nothing to say; it is false."""
