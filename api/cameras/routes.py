"""The declarations of the routes of cameras, areas, recordings and playback."""

from __future__ import annotations

from api.cameras import areas, cameras, playback, recordings, triggers
from api.cameras.playlists import M3U8_TYPE
from api.limits.thread_pools import Pool
from api.requests.declarations import Declaration, Scope
from api.requests.problems import TRIGGER_REFUSED
from domain.people import Right

MP4 = "video/mp4"
JPEG = "image/jpeg"

CAMERA_ROUTES: tuple[Declaration, ...] = (
    Declaration("GET", "/v1/cameras", cameras.list_cameras, Right.CAMERAS_READ, Scope.SITE),
    Declaration("GET", "/v1/areas", areas.list_areas, Right.CAMERAS_READ, Scope.SITE),
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
        allows_many_ranges=True,
        may_redirect=True,
        pool=Pool.RECORDINGS,
        headers=(
            "Sightline-Start",
            "Sightline-End",
            "Sightline-Gaps",
            "Sightline-Apart",
            "Sightline-Offline",
            "Repr-Digest",
        ),
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
        headers=("Sightline-Offline",),
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
        headers=("Sightline-Start", "Sightline-End", "Sightline-Offline"),
    ),
    Declaration(
        "GET",
        "/v1/cameras/{id}/picture",
        playback.read_picture,
        Right.LIVE_VIEW,
        Scope.CAMERA,
        audit="camera.picture",
        is_evidence_access=True,
        right_of_term={"at": Right.RECORDINGS_READ},
        media_type=JPEG,
        pool=Pool.PICTURES,
        headers=("Sightline-Start",),
    ),
    Declaration(
        "GET",
        "/v1/cameras/{id}/test-picture",
        playback.read_test_picture,
        Right.TEST_PICTURE,
        Scope.CAMERA,
        audit="camera.test_picture",
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
        problems=(TRIGGER_REFUSED,),
        creates=True,
    ),
)
