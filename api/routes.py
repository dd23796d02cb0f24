"""The table of routes: what each needs, acts on and is called in the audit log. A route that is
not here does not exist.
"""

from __future__ import annotations

from api.cameras import cameras, playback, recordings, triggers
from api.cameras.playlists import M3U8_TYPE
from api.events import corrections, histograms, journeys, media
from api.events import impossible_legs as impossible
from api.events import search as events
from api.feeds import feeds, watches
from api.feeds.stream import MEDIA_TYPE as EVENT_STREAM
from api.requests.declarations import Access, Declaration, Scope
from api.requests.thread_pools import Pool
from api.site import holds, site
from domain.people import Right

JPEG, MP4, HTML = "image/jpeg", "video/mp4", "text/html"

ROUTES: tuple[Declaration, ...] = (
    Declaration("GET", "/", site.read_page, Access.ANYONE, Scope.NONE, media_type=HTML),
    Declaration("GET", "/healthz", site.read_health, Access.ANYONE, Scope.NONE),
    Declaration("GET", "/readyz", site.read_readiness, Access.ANYONE, Scope.NONE),
    Declaration(
        "GET",
        "/metrics",
        site.read_metrics,
        Right.METRICS_READ,
        Scope.SITE,
        media_type="text/plain",
    ),
    Declaration("GET", "/openapi.json", site.read_openapi, Access.ANYONE, Scope.NONE),
    Declaration("GET", "/v1/session", site.read_session, Access.SIGNED_IN, Scope.NONE),
    Declaration("GET", "/v1/cameras", cameras.list_cameras, Right.CAMERAS_READ, Scope.SITE),
    Declaration("GET", "/v1/cameras/{id}", cameras.read_camera, Right.CAMERAS_READ, Scope.CAMERA),
    Declaration(
        "GET",
        "/v1/cameras/{id}/coverage",
        cameras.read_coverage,
        Right.CAMERAS_READ,
        Scope.CAMERA,
        pool=Pool.PLAYBACK,
    ),
    Declaration(
        "GET",
        "/v1/cameras/{id}/recording",
        recordings.read_recording,
        Right.RECORDINGS_READ,
        Scope.CAMERA,
        audit="camera.recording",
        is_evidence_access=True,
        media_type=MP4,
        allows_head=True,
        pool=Pool.CUTS,
    ),
    Declaration(
        "GET",
        "/v1/cameras/{id}/playlist",
        playback.read_playlist,
        Right.RECORDINGS_READ,
        Scope.CAMERA,
        audit="camera.playlist",
        is_evidence_access=True,
        pool=Pool.PLAYBACK,
    ),
    Declaration(
        "GET",
        "/v1/cameras/{id}/playlist.m3u8",
        playback.read_hls,
        Right.RECORDINGS_READ,
        Scope.CAMERA,
        audit="camera.playlist",
        is_evidence_access=True,
        media_type=M3U8_TYPE,
        allows_ticket=True,
        pool=Pool.PLAYBACK,
    ),
    Declaration(
        "GET",
        "/v1/cameras/{id}/segments/{name}",
        playback.read_segment,
        Right.RECORDINGS_READ,
        Scope.CAMERA,
        audit="camera.segment",
        is_evidence_access=True,
        media_type=MP4,
        allows_ticket=True,
        pool=Pool.PLAYBACK,
    ),
    Declaration(
        "GET",
        "/v1/cameras/{id}/keyframes",
        playback.read_keyframes,
        Right.RECORDINGS_READ,
        Scope.CAMERA,
        audit="camera.keyframes",
        is_evidence_access=True,
        media_type=MP4,
        pool=Pool.PLAYBACK,
    ),
    Declaration(
        "GET",
        "/v1/cameras/{id}/picture",
        playback.read_picture,
        Right.LIVE_VIEW,
        Scope.CAMERA,
        audit="camera.picture",
        is_evidence_access=True,
        media_type=JPEG,
        pool=Pool.PICTURES,
    ),
    Declaration(
        "POST",
        "/v1/cameras/{id}/triggers",
        triggers.add_trigger,
        Right.RECORDINGS_TRIGGER,
        Scope.CAMERA,
        audit="camera.trigger",
        pool=Pool.PLAYBACK,
    ),
    Declaration("GET", "/v1/alarms", site.list_alarms, Right.CAMERAS_READ, Scope.SITE),
    Declaration(
        "GET", "/v1/holds", holds.list_holds, Right.EVIDENCE, Scope.SITE, audit="holds.list"
    ),
    Declaration(
        "POST", "/v1/holds", holds.place_hold, Right.EVIDENCE, Scope.SITE, audit="hold.place"
    ),
    Declaration(
        "DELETE",
        "/v1/holds/{id}",
        holds.release_hold,
        Right.EVIDENCE,
        Scope.SITE,
        audit="hold.release",
    ),
    Declaration(
        "GET", "/v1/watches", watches.list_watches, Right.WATCHES, Scope.SITE, audit="watches.list"
    ),
    Declaration(
        "POST", "/v1/watches", watches.place_watch, Right.WATCHES, Scope.SITE, audit="watch.place"
    ),
    Declaration(
        "GET",
        feeds.WATCHES_FEED,
        feeds.follow_matches,
        Right.WATCHES,
        Scope.SITE,
        audit="watches.feed",
        is_evidence_access=True,
        media_type=EVENT_STREAM,
        allows_ticket=True,
    ),
    Declaration(
        "GET",
        f"{feeds.WATCHES_FEED}/ticket",
        feeds.read_matches_ticket,
        Right.WATCHES,
        Scope.SITE,
        audit="watches.feed_ticket",
        is_evidence_access=True,
    ),
    Declaration(
        "GET", "/v1/watches/{id}", watches.read_watch, Right.WATCHES, Scope.SITE, audit="watch.read"
    ),
    Declaration(
        "DELETE",
        "/v1/watches/{id}",
        watches.end_watch,
        Right.WATCHES,
        Scope.SITE,
        audit="watch.delete",
    ),
    Declaration(
        "GET",
        "/v1/events",
        events.search_events,
        Right.EVENTS_READ,
        Scope.SITE,
        audit="events.search",
        is_evidence_access=True,
    ),
    Declaration(
        "GET",
        feeds.EVENTS_FEED,
        feeds.follow_events,
        Right.EVENTS_READ,
        Scope.SITE,
        audit="events.feed",
        is_evidence_access=True,
        media_type=EVENT_STREAM,
        allows_ticket=True,
    ),
    Declaration(
        "GET",
        f"{feeds.EVENTS_FEED}/ticket",
        feeds.read_events_ticket,
        Right.EVENTS_READ,
        Scope.SITE,
        audit="events.feed_ticket",
        is_evidence_access=True,
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
