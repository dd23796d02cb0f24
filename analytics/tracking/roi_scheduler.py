"""Where to look: at the whole picture now and then, in between at what moved since, and most often
only around what is followed.

A look around what is followed that does not find all of it is followed by one at all that moved, of
the same frame: nothing is lost by looking closely but time, and what comes into view beside it is
found a few looks later. What moved is held against the last look that was not only around what is
followed, so that what came and stands still again meanwhile is in it.
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
"""While something moves, the whole picture is looked at this often; where nothing does, at
every look, of which there are few.
"""
WIDE_EVERY_MS = 400
"""While something is followed, all that moved is looked at this often: what is followed is
there already.
"""
SEARCH_EVERY_MS = 200
"""While something moves and nothing is followed."""
SETTLED_EVERY_MS = 150
"""While the course of all that is followed is known, or it is lost. At 10 frames a second this is
every other one, and at no rate so seldom that a plate is read anew to know that it is the same
(`ASK_AFTER_MS` of `vehicles.py`).
"""
BESIDE_PX = 64
"""Around what moved, in pixels of a picture 1920 wide: thumbnails are coarse, and a plate is a
dark spot on a dark bumper.
"""
_WIDTH_PX = 1920
SPAN, STEADY_SPAN = 3.5, 2.5
"""Sides of a window, in lengths of the longer side of what is followed: it may be its own length
away from where it is expected, and half of that once its course is known.
"""
STEADY_DETECTIONS = 4
SHOWN_PX = 80.0
"""How large what is followed need be in what the model sees; larger costs more and finds no
better.
"""
MOST_PART = 0.85
"""A window that costs more than this part of a look at the whole picture is none."""
_STEP_PX = 64
"""Windows are of few sizes, which models and their anchors are laid out for once."""
_EDGE_PX = 2.0


Shown = Callable[[], Picture]
"""A picture that is made when first asked for, and the same from then on."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture, in its pixels, and how large the model sees it."""

    left: int
    top: int
    right: int
    bottom: int
    input_area_px: int


class RoiScheduler:
    """Of one kind of subject at one camera."""

    def __init__(self, detector: Detector, tracker: Tracker) -> None:
        self._detector = detector
        self._tracker = tracker
        self._looked_ns: int | None = None
        self._whole_ns: int | None = None
        self._wide_ns: int | None = None
        self._seen: Thumbnail | None = None
        """Of the last look that was not only around what is followed."""

    def is_due(self, now_ns: int) -> bool:
        """False while the last look is so fresh that another is not worth it."""
        return not _is_fresh(self._looked_ns, now_ns, _every_ms(self._tracker.tracks))

    def look(self, shown: Shown, thumbnail: Thumbnail, now_ns: int) -> Detections:
        """What is there."""
        tracks, bgr = self._tracker.tracks, shown()
        self._looked_ns = now_ns
        if _is_fresh(self._wide_ns, now_ns, WIDE_EVERY_MS):
            window = window_around(
                tracks, now_ns, (bgr.shape[1], bgr.shape[0]), self._detector.input_area_px
            )
            found = None if window is None else detect_in(self._detector, bgr, window)
            if found is not None and self._tracker.continues_all(found, now_ns):
                return found
        return self._look_widely(bgr, thumbnail, now_ns)

    def _look_widely(self, bgr: Picture, thumbnail: Thumbnail, now_ns: int) -> Detections:
        moved = (
            changed(self._seen, thumbnail)
            if _is_fresh(self._whole_ns, now_ns, WHOLE_EVERY_MS)
            else None
        )
        self._wide_ns, self._seen = now_ns, thumbnail
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
    """What has just come into view is looked at in every frame: it may be gone in three."""
    if not tracks:
        return SEARCH_EVERY_MS
    is_new = any(track.detections < STEADY_DETECTIONS and not track.is_lost for track in tracks)
    return 0 if is_new else SETTLED_EVERY_MS


def _is_fresh(looked_ns: int | None, now_ns: int, for_ms: int) -> bool:
    # Four fifths, as for the rate of looks: frames never fall exactly on the beat.
    return looked_ns is not None and 0 <= now_ns - looked_ns < for_ms * NS_PER_MS * 4 // 5


def region_of(
    moved: Extent | None, tracks: Sequence[Track], now_ns: int, frame_px: tuple[int, int]
) -> Extent | None:
    """What moved with what is beside it, and where all that is followed is expected; None where
    that is nothing.
    """
    beside_px = BESIDE_PX * frame_px[0] / _WIDTH_PX
    parts = [] if moved is None else [np.array(moved) + np.array([-1, -1, 1, 1]) * beside_px]
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
    """Low and high corners (n, 2) of where each is expected and looked for."""
    spans = [STEADY_SPAN if track.detections >= STEADY_DETECTIONS else SPAN for track in tracks]
    reach_px = np.array(
        [span / 2 * size_px(track.box) for span, track in zip(spans, tracks, strict=True)]
    ).reshape(-1, 1)
    centres = np.array([track.expected_centre(now_ns) for track in tracks]).reshape(-1, 2)
    return centres - reach_px, centres + reach_px


def window_around(
    tracks: Sequence[Track], now_ns: int, frame_px: tuple[int, int], whole_area_px: int
) -> Window | None:
    """Around where all of them are expected; None where one of them is lost or its course not
    known yet, or where it would save little.
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
    """The region, shown at most at the scale `shown` and no larger than in a look at the whole;
    None where it would save little.
    """
    frame = np.array(frame_px, np.float64)
    low, high = np.clip(region[:2], 0, frame), np.clip(region[2:], 0, frame)
    scale = min(1.0, math.sqrt(whole_area_px / frame.prod()), shown)
    seen_px = np.ceil((high - low) * scale / _STEP_PX) * _STEP_PX
    extent_px = np.minimum(np.ceil(seen_px / scale), frame)
    input_area_px = extent_px.prod() * scale**2
    if not input_area_px < MOST_PART * whole_area_px:
        return None
    corner = np.clip((low + high - extent_px) / 2, 0, frame - extent_px)
    left, top, right, bottom = (
        int(value) for value in np.concatenate([corner, corner + extent_px])
    )
    return Window(left, top, right, bottom, math.ceil(input_area_px))


def detect_in(detector: Detector, bgr: Picture, window: Window) -> Detections:
    """What is wholly within the window, in pixels of the picture."""
    part = bgr[window.top : window.bottom, window.left : window.right]
    found = detector.at(window.input_area_px).detect(part)
    corner = np.array([window.left, window.top], np.float32)
    moved = Detections(found.xyxy + np.tile(corner, 2), found.score, found.points + corner)
    return moved.keep(_is_whole(moved.xyxy, window, bgr))


def _is_whole(
    xyxy: Floats, window: Window, bgr: Picture
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Cut off by the picture's own side is no reason."""
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
