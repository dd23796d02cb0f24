"""Region-of-interest scheduling: which part of a frame is searched.

The whole picture is searched now and then. Between these looks the region that moved since is
searched, and most often only a window around the tracks. If the window does not show all tracks,
the region of the same frame is searched, so the window costs time and no detections. An object that
appears outside the window is found a few looks later. Motion is measured against the last look that
was not limited to a window, so that the region includes what moved and stopped in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.detection.detections import Detections, Detector, Floats, Picture
from analytics.detection.motion import Extent, Thumbnail, changed, extent
from analytics.tracking.tracker import Track, Tracker, size_px
from domain.clock import NS_PER_MS

WHOLE_EVERY_MS = 5_000
"""While something moves, the whole picture is searched this often. If nothing moves, each look
searches it, and there are few looks.
"""
WIDE_EVERY_MS = 400
"""While there is a track, the region that moved is searched this often."""
SEARCH_EVERY_MS = 200
"""The region is searched this often while something moves and there is no track."""
SETTLED_EVERY_MS = 150
"""Looks are this far apart while the course of each track is known, or the track is lost. At 10
frames a second this is every other frame. It is always short enough that no plate is read again to
know that it is the same (`COMPARE_AFTER_MS` of `vehicles.py`).
"""
MARGIN_PX = 64
"""The margin around what moved, in pixels of a picture 1920 wide. Thumbnails are coarse, and a
plate may be a dark spot on a dark bumper.
"""
_WIDTH_PX = 1920
SPAN, STEADY_SPAN = 3.5, 2.5
"""The sides of a window, in lengths of the longer side of the track's box. The box may be its own
length away from its expected place, and half of that when its course is known.
"""
STEADY_DETECTIONS = 4
SHOWN_PX = 80.0
"""The size of a track's box in the input of the model; a larger one costs more and is not found
better.
"""
MAX_PART = 0.85
"""A window that costs more than this part of a look at the whole picture is not used."""
_STEP_PX = 64
"""Windows have few sizes, because a model may prepare what it needs once for each size."""
_EDGE_PX = 2.0


LazyPicture = Callable[[], Picture]
"""A picture that is made at the first call, and returned by later ones."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture in its pixels, with the size of the model's input."""

    left: int
    top: int
    right: int
    bottom: int
    input_area_px: int


class RoiScheduler:
    """Schedules the detector of one kind of subject at one camera."""

    def __init__(self, detector: Detector, tracker: Tracker) -> None:
        self._detector = detector
        self._tracker = tracker
        self._last_look_ns: int | None = None
        self._whole_ns: int | None = None
        self._wide_ns: int | None = None
        self._reference: Thumbnail | None = None
        """The thumbnail of the last look that was not limited to a window around the tracks."""

    def is_due(self, now_ns: int) -> bool:
        """Return whether the last look is old enough for another one."""
        return not _is_fresh(self._last_look_ns, now_ns, _every_ms(self._tracker.tracks))

    def detect(self, shown: LazyPicture, thumbnail: Thumbnail, now_ns: int) -> Detections:
        """Return the detections in the part of the frame that is to be searched now."""
        tracks, bgr = self._tracker.tracks, shown()
        self._last_look_ns = now_ns
        if _is_fresh(self._wide_ns, now_ns, WIDE_EVERY_MS):
            window = window_around(
                tracks, now_ns, (bgr.shape[1], bgr.shape[0]), self._detector.input_area_px
            )
            detections = None if window is None else detect_in(self._detector, bgr, window)
            if detections is not None and self._tracker.continues_all(detections, now_ns):
                return detections
        return self._detect_region(bgr, thumbnail, now_ns)

    def _detect_region(self, bgr: Picture, thumbnail: Thumbnail, now_ns: int) -> Detections:
        moved = (
            changed(self._reference, thumbnail)
            if _is_fresh(self._whole_ns, now_ns, WHOLE_EVERY_MS)
            else None
        )
        self._wide_ns, self._reference = now_ns, thumbnail
        frame_px = (bgr.shape[1], bgr.shape[0])
        region = (
            None
            if moved is None
            else region_of(extent(moved, frame_px), self._tracker.tracks, now_ns, frame_px)
        )
        window = (
            None
            if region is None
            else window_of(region, 1.0, frame_px, self._detector.input_area_px)
        )
        if window is None:
            self._whole_ns = now_ns
            return self._detector.detect(bgr)
        return detect_in(self._detector, bgr, window)


def _every_ms(tracks: Sequence[Track]) -> int:
    """Return how far apart looks are; a new track needs every frame, as it may end after three."""
    if not tracks:
        return SEARCH_EVERY_MS
    is_new = any(track.detections < STEADY_DETECTIONS and not track.is_lost for track in tracks)
    return 0 if is_new else SETTLED_EVERY_MS


def _is_fresh(last_ns: int | None, now_ns: int, for_ms: int) -> bool:
    # Four fifths, as for the rate of looks, because frames never arrive exactly at the period.
    return last_ns is not None and 0 <= now_ns - last_ns < for_ms * NS_PER_MS * 4 // 5


def region_of(
    moved: Extent | None, tracks: Sequence[Track], now_ns: int, frame_px: tuple[int, int]
) -> Extent | None:
    """Return the region that moved, with a margin, and the expected places of all tracks.

    Return None if nothing moved and there is no track.
    """
    margin_px = MARGIN_PX * frame_px[0] / _WIDTH_PX
    parts = [] if moved is None else [np.array(moved) + np.array([-1, -1, 1, 1]) * margin_px]
    parts += [np.concatenate(around) for around in zip(*_around(tracks, now_ns), strict=True)]
    if not parts:
        return None
    bounds = np.stack(parts)
    left, top, right, bottom = (
        float(value)
        for value in np.concatenate([bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)])
    )
    return left, top, right, bottom


def _around(tracks: Sequence[Track], now_ns: int) -> tuple[Floats, Floats]:
    """Return the low and high corners (n, 2) of the place in which each track is expected."""
    spans = [STEADY_SPAN if track.detections >= STEADY_DETECTIONS else SPAN for track in tracks]
    reach_px = np.array(
        [span / 2 * size_px(track.box) for span, track in zip(spans, tracks, strict=True)]
    ).reshape(-1, 1)
    centres = np.array([track.expected_centre(now_ns) for track in tracks]).reshape(-1, 2)
    return centres - reach_px, centres + reach_px


def window_around(
    tracks: Sequence[Track], now_ns: int, frame_px: tuple[int, int], whole_area_px: int
) -> Window | None:
    """Return a window around the expected places of all tracks.

    Return None if a track is lost, if its course is not known yet, or if little would be saved.
    """
    if not tracks or any(track.is_lost or track.detections < 2 for track in tracks):
        return None
    low, high = _around(tracks, now_ns)
    shown = SHOWN_PX / min(size_px(track.box) for track in tracks)
    left, top, right, bottom = (
        float(value) for value in np.concatenate([low.min(axis=0), high.max(axis=0)])
    )
    return window_of((left, top, right, bottom), shown, frame_px, whole_area_px)


def window_of(
    region: Extent, shown: float, frame_px: tuple[int, int], whole_area_px: int
) -> Window | None:
    """Return the window of a region, at most at the scale `shown` and that of the whole picture.

    Return None if little would be saved.
    """
    frame = np.array(frame_px, np.float64)
    low, high = np.clip(region[:2], 0, frame), np.clip(region[2:], 0, frame)
    scale = min(1.0, math.sqrt(whole_area_px / frame.prod()), shown)
    seen_px = np.ceil((high - low) * scale / _STEP_PX) * _STEP_PX
    extent_px = np.minimum(np.ceil(seen_px / scale), frame)
    input_area_px = extent_px.prod() * scale**2
    if not input_area_px < MAX_PART * whole_area_px:
        return None
    corner = np.clip((low + high - extent_px) / 2, 0, frame - extent_px)
    left, top, right, bottom = (
        int(value) for value in np.concatenate([corner, corner + extent_px])
    )
    return Window(left, top, right, bottom, math.ceil(input_area_px))


def detect_in(detector: Detector, bgr: Picture, window: Window) -> Detections:
    """Return the detections that lie wholly within the window, in pixels of the picture."""
    part = bgr[window.top : window.bottom, window.left : window.right]
    detections = detector.at(window.input_area_px).detect(part)
    corner = np.array([window.left, window.top], np.float32)
    moved = Detections(
        detections.xyxy + np.tile(corner, 2), detections.score, detections.points + corner
    )
    return moved.keep(_is_whole(moved.xyxy, window, bgr))


def _is_whole(
    xyxy: Floats, window: Window, bgr: Picture
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which boxes the window does not cut off; the picture's own sides do not count."""
    inner_low = np.array(
        [
            window.left + _EDGE_PX if window.left else -1.0,
            window.top + _EDGE_PX if window.top else -1.0,
        ]
    )
    inner_high = np.array(
        [
            window.right - _EDGE_PX if window.right < bgr.shape[1] else np.inf,
            window.bottom - _EDGE_PX if window.bottom < bgr.shape[0] else np.inf,
        ]
    )
    whole = (xyxy[:, :2] >= inner_low).all(axis=1) & (xyxy[:, 2:] <= inner_high).all(axis=1)
    return np.asarray(whole, np.bool_)
