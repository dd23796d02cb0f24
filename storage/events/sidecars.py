"""Reads sidecars."""

from __future__ import annotations

from pydantic import ValidationError

from domain.errors import DataLoss
from domain.events.event import Sidecar
from domain.stored_model import unreadable
from domain.ulid import is_event_id
from storage.clients.s3 import ObjectStore


def sidecar_at(objects: ObjectStore, key: str) -> Sidecar:
    """Return the sidecar under a key. Raises DataLoss if it is no sidecar of the event whose folder
    it is in, NotFound, and ObjectsUnavailable.
    """
    try:
        sidecar = Sidecar.model_validate_json(objects.get(key))
    except ValidationError as error:
        raise unreadable(key, error) from error
    event_id = key.split("/")[-2]
    if sidecar.event.id != event_id or not is_event_id(event_id):
        raise DataLoss("{key} is no sidecar of event {event}", key=key, event=event_id)
    return sidecar
