"""A message is its English sentence and keeps the template and the parts."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from domain.clock import NS_PER_MS, moment
from domain.errors import NodeOffline, NotFound, QueryInvalid, SourceTimeout
from domain.messages.message import Message, joined, joined_names, names_in, with_parts

AT = datetime(2026, 11, 24, 13, 55, 4, 123_000, UTC)
NOTHING = Message("nothing of {camera} is recorded at {at}", camera="gate", at=AT)
FORM = {
    "template": "nothing of {camera} is recorded at {at}",
    "parts": {"camera": "gate", "at": {"at": "2026-11-24T13:55:04.123Z"}},
}


def test_a_message_is_its_english_sentence() -> None:
    assert NOTHING == "nothing of gate is recorded at 2026-11-24T13:55:04.123Z"
    assert Message("no parts: {gate} tls: {sha256: …}") == "no parts: {gate} tls: {sha256: …}"
    assert Message("{a} of {b} s", a=20.0, b=2.5) == "20 of 2.5 s"


def test_a_part_is_data() -> None:
    message = Message("{name} has {count} tokens", name="{count} {name} <b>", count=2)
    assert message == "{count} {name} <b> has 2 tokens"


@pytest.mark.parametrize(
    "message", [NOTHING, Message("{error}; {context}", error=NOTHING, context="x")]
)
def test_a_message_is_read_as_it_was_written(message: Message) -> None:
    read = Message.of_form(json.loads(json.dumps(message.form)))
    assert (read, read.template, read.parts) == (message, message.template, message.parts)
    for copied in (pickle.loads(pickle.dumps(message)), copy.deepcopy(message)):
        assert (copied, copied.form) == (message, message.form)


def test_the_form_keeps_the_types_of_parts() -> None:
    assert NOTHING.form == FORM
    nested = Message("the export failed: {why}", why=NOTHING)
    assert nested.form["parts"] == {"why": FORM}


def test_a_record_without_a_form_is_a_message_without_parts() -> None:
    read = Message.of_form(None, "the disk is full")
    assert (read, read.template, dict(read.parts)) == ("the disk is full", "the disk is full", {})


def test_a_part_of_a_newer_version_is_kept() -> None:
    form = {
        "template": "{length} of {camera}",
        "parts": {"length": {"metres": 3}, "camera": "gate"},
    }
    read = Message.of_form(form)
    assert read.form == form
    assert read == " of gate"


def test_an_error_is_filled_in_as_its_message() -> None:
    inner = NotFound("there is no event {event}", event="01")
    outer = NotFound("{error}; {context}", error=inner, context=OSError(2, "no such file"))
    assert str(outer) == "there is no event 01; [Errno 2] no such file"
    assert outer.message.form["parts"]["error"] == inner.message.form
    raised = ValueError(NOTHING)
    assert Message("it {error}", error=raised).form["parts"]["error"] == FORM


def test_errors_with_facts_of_their_own_keep_them() -> None:
    invalid = QueryInvalid("limit", "is at most {most}", most=500)
    assert (str(invalid), invalid.field) == ("limit: is at most 500", "limit")
    offline = NodeOffline("{node} does not answer", node="node-1")
    assert (str(offline), offline.node) == ("node-1 does not answer", "node-1")
    assert NodeOffline("no node answers", "node-1").message.parts == {}
    assert SourceTimeout("no video arrived for {s} s", s=8.0).message == "no video arrived for 8 s"


def test_pydantic_reads_and_writes_the_form() -> None:
    class Record(BaseModel):
        message: Message | None = None

    written = Record(message=NOTHING).model_dump_json()
    assert json.loads(written) == {"message": FORM}
    read = Record.model_validate_json(written).message
    assert read is not None
    assert read.form == FORM
    for wrong in ('{"message": "text"}', '{"message": {"parts": {}}}'):
        with pytest.raises(ValidationError):
            Record.model_validate_json(wrong)


def test_messages_are_joined_and_their_names_listed() -> None:
    assert joined([Message("a"), Message("b {c}", c=1), Message("d")]) == "a; b 1; d"
    assert joined([NOTHING]) is NOTHING
    assert names_in("{b} {a} {b} {A} {1}") == ("b", "a")


def test_only_a_message_with_parts_is_stored_with_its_text() -> None:
    assert with_parts(NOTHING) is NOTHING
    assert with_parts(Message("full")) is None
    assert with_parts("full") is None


def test_a_moment_has_milliseconds_rounded_down() -> None:
    ns = 1_764_000_000_123 * NS_PER_MS + 999_999
    assert Message("{at}", at=moment(ns)) == "2025-11-24T16:00:00.123Z"


def test_names_are_listed_with_the_comma_of_the_language() -> None:
    names = joined_names(["node-1", "node-2", "objects"])
    assert names == "node-1, node-2, objects"
    assert names.translated({"{first}, {rest}": "{first}、{rest}"}.get) == "node-1、node-2、objects"
    assert joined_names(["{first}"]) == "{first}"


def test_hundreds_of_names_can_be_written_and_read() -> None:
    """The form of each further message was nested deeper, and pydantic writes 255 levels."""
    names = [f"node-{number}" for number in range(1_000)]
    listed, written = joined_names(names), TypeAdapter(Message)
    assert listed == ", ".join(names)
    assert written.validate_json(written.dump_json(listed)) == listed
