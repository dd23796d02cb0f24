"""The route of corrections: a person corrects the plate of an event.

The original reading is kept, and searches find both.
"""

from __future__ import annotations

from api.access.api_context import Context, RequestTrace, Visible
from api.events.models import CorrectionAsked, EventView
from api.events.search import find_event
from api.requests.languages import Messages
from api.requests.parameters import EventId
from domain.errors import QueryInvalid
from domain.events.event import Event
from domain.messages.message import Message
from domain.plates import is_wildcard, search_pattern, why_no_plate


def correct_event(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    event_id: EventId,
    asked: CorrectionAsked,
    messages: Messages,
) -> EventView:
    """Correct the plate of an event, or withdraw the correction (`plate` null).

    The correction is stored and searchable before the response is sent.
    """
    event = find_event(context, visible, event_id)
    text = _plate(asked.plate, event)
    trace.terms |= {
        "plate": text,
        "stood": event.reading,
        "camera": event.camera,
        "version": str(asked.version),
    }
    person = trace.person.name if trace.person else ""
    correction = context.corrections.correct(event, text, person, trace.reason, asked.version)
    corrected = event.model_copy(update={"corrected": correction})
    context.feed.add_all([corrected])
    return EventView.of(corrected, messages)


def _plate(typed: str | None, event: Event) -> str:
    """Return a whole plate that the grammar allows, or an empty text to withdraw a correction.

    Raises QueryInvalid.
    """
    if event.kind == "face":
        raise QueryInvalid("plate", "cannot be corrected: this event is of a face")
    if typed is None:
        if event.corrected is None:
            raise QueryInvalid(
                "plate", "is null, which takes a correction back; this event has none"
            )
        return ""
    text = search_pattern(typed)
    why = (
        Message("has wildcards; a correction is a whole plate")
        if is_wildcard(text)
        else why_no_plate(text)
    )
    if why:
        raise QueryInvalid("plate", why)
    return text
