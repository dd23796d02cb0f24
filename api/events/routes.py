"""The declarations of the routes of events, journeys and corrections."""

from __future__ import annotations

from api.events import corrections, histograms, journeys, media, plates
from api.events import impossible_legs as impossible
from api.events import search as events
from api.events.formats import CSV_TYPE, NDJSON_TYPE, format_term
from api.events.models import EventList
from api.limits.thread_pools import Pool
from api.requests.declarations import Declaration, Scope
from api.requests.problems import CLIP_MISSING, CLIP_NOT_READY, CORRECTION_CONFLICT
from domain.people import Right

JPEG = "image/jpeg"
MP4 = "video/mp4"

EVENT_ROUTES: tuple[Declaration, ...] = (
    Declaration(
        "GET",
        "/v1/events",
        events.search_events,
        Right.EVENTS_READ,
        Scope.SITE,
        audit="events.search",
        is_evidence_access=True,
        answer_model=EventList,
        other_media_types=(CSV_TYPE, NDJSON_TYPE),
        header_terms=format_term,
        headers=("Link", "Content-Disposition", "Sightline-Rows", "Sightline-Cut"),
    ),
    Declaration(
        "GET",
        "/v1/events/histogram",
        histograms.read_histogram,
        Right.EVENTS_READ,
        Scope.SITE,
        audit="events.histogram",
        is_evidence_access=True,
    ),
    Declaration(
        "GET",
        "/v1/plates",
        plates.list_plates,
        Right.EVENTS_READ,
        Scope.SITE,
        audit="plates.list",
        is_evidence_access=True,
        also_governed_as=("events.search",),
    ),
    Declaration(
        "GET",
        "/v1/events/{id}",
        events.read_event,
        Right.EVENTS_READ,
        Scope.EVENT,
        audit="event.read",
        is_evidence_access=True,
    ),
    Declaration(
        "PATCH",
        "/v1/events/{id}",
        corrections.correct_event,
        Right.EVENTS_CORRECT,
        Scope.EVENT,
        audit="event.correct",
        problems=(CORRECTION_CONFLICT,),
    ),
    Declaration(
        "GET",
        "/v1/events/{id}/snapshot",
        media.read_snapshot,
        Right.EVENTS_READ,
        Scope.EVENT,
        audit="event.snapshot",
        is_evidence_access=True,
        media_type=JPEG,
        pool=Pool.PICTURES,
        headers=("Content-Disposition", "ETag"),
        allows_if_none_match=True,
    ),
    Declaration(
        "GET",
        "/v1/events/{id}/crop",
        media.read_crop,
        Right.EVENTS_READ,
        Scope.EVENT,
        audit="event.crop",
        is_evidence_access=True,
        media_type=JPEG,
        pool=Pool.PICTURES,
        headers=("Content-Disposition", "ETag"),
        allows_if_none_match=True,
    ),
    Declaration(
        "GET",
        "/v1/events/{id}/clip",
        media.read_clip,
        Right.EVENTS_READ,
        Scope.EVENT,
        audit="event.clip",
        is_evidence_access=True,
        media_type=MP4,
        allows_head=True,
        pool=Pool.PLAYBACK,
        problems=(CLIP_MISSING, CLIP_NOT_READY),
        headers=("Content-Disposition",),
        allows_if_none_match=True,
    ),
    Declaration(
        "GET",
        "/v1/journeys",
        journeys.read_journey,
        Right.EVENTS_READ,
        Scope.SITE,
        audit="journey.read",
        is_evidence_access=True,
    ),
    Declaration(
        "GET",
        "/v1/journeys/impossible",
        impossible.list_impossible,
        Right.EVENTS_READ,
        Scope.SITE,
        audit="journeys.impossible",
        is_evidence_access=True,
    ),
)
