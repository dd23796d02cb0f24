"""A model that is built without validation equals a validated one."""

from __future__ import annotations

from domain.events.event import Event
from domain.events.trusted_models import construct_trusted
from tests.kept import make_event


def test_it_is_what_checking_makes() -> None:
    checked = make_event(alternatives=(("鄂C12346", 0.25),))
    quick = construct_trusted(Event, dict(checked.__dict__))
    assert quick == checked
    assert quick.to_json() == checked.to_json()
    assert quick.model_fields_set == set(Event.model_fields)
    assert quick.model_copy(update={"clip_ready": True}).clip_ready
    assert quick == checked, "a copy changes nothing of it"
