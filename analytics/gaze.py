"""Where to look: at the whole picture now and then, and in between only around what is followed, which costs a tenth.

A look around what is followed that does not find all of it is followed by one at the whole picture, of the same frame: nothing is lost by
looking closely but time, and what comes into view beside it is found a few looks later.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analytics.detections import Detections, Floats, Picture
from analytics.tracker import Track, Tracker, size_px
from domain.clock import NS_PER_MS

WHOLE_EVERY_MS = 400
"""While something is followed, the whole picture is looked at this often: what is followed is there already."""
SEARCH_EVERY_MS = 200
"""While something moves and nothing is followed."""
SPAN = 3.5
"""Sides of a window, in lengths of the longer side of what is followed: it may be its own length away from where it is expected."""
SHOWN_PX = 80.0
"""How large what is followed need be in what the model sees; larger costs more and finds no better."""
MOST_PART = 0.6
"""A window that costs more than this part of a look at the whole picture is none."""
_STEP_PX = 64
"""Windows are of few sizes, which models and their anchors are laid out for once."""
_EDGE_PX = 2.0


class Detector(Protocol):
    @property
    def input_area_px(self) -> int:
        """How large a picture the model sees, at most."""

    def at(self, input_area_px: int, /) -> Detector: ...

    def detect(self, bgr: Picture, /) -> Detections: ...


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture, in its pixels, and how large the model sees it."""

    left: int
    top: int
    right: int
    bottom: int
    input_area_px: int


class Gaze:
    """Of one kind of subject at one camera."""

    def __init__(self, detector: Detector, tracker: Tracker) -> None:
        self._detector = detector
        self._tracker = tracker
        self._whole_ns: int | None = None

    def look(self, bgr: Picture, now_ns: int) -> Detections | None:
        """What is there; None where nothing is followed and the last look is so fresh that another is not worth it."""
        tracks = self._tracker.tracks
        if not tracks and self._is_fresh(now_ns, SEARCH_EVERY_MS):
            return None
        if self._is_fresh(now_ns, WHOLE_EVERY_MS):
            window = window_around(tracks, now_ns, (bgr.shape[1], bgr.shape[0]), self._detector.input_area_px)
            found = None if window is None else detect_in(self._detector, bgr, window)
            if found is not None and self._tracker.continues_all(found, now_ns):
                return found
        self._whole_ns = now_ns
        return self._detector.detect(bgr)

    def _is_fresh(self, now_ns: int, for_ms: int) -> bool:
        # Four fifths, as for the rate of looks: frames never fall exactly on the beat.
        return self._whole_ns is not None and 0 <= now_ns - self._whole_ns < for_ms * NS_PER_MS * 4 // 5


def window_around(tracks: Sequence[Track], now_ns: int, frame_px: tuple[int, int], whole_area_px: int) -> Window | None:
    """Around where all of them are expected; None where one of them is lost or its course not known yet, or where it would save little."""
    if not tracks or any(track.is_lost or track.detections < 2 for track in tracks):
        return None
    frame = np.array(frame_px, np.float64)
    sizes_px = np.array([size_px(track.box) for track in tracks])
    scale = min(1.0, math.sqrt(whole_area_px / frame.prod()), SHOWN_PX / float(sizes_px.min()))
    centres = np.stack([track.expected_centre(now_ns) for track in tracks])
    low, high = (centres - SPAN / 2 * sizes_px[:, None]).min(axis=0), (centres + SPAN / 2 * sizes_px[:, None]).max(axis=0)
    seen_px = np.ceil((high - low) * scale / _STEP_PX) * _STEP_PX
    extent = np.minimum(np.ceil(seen_px / scale), frame)
    input_area_px = extent.prod() * scale**2
    if not input_area_px < MOST_PART * whole_area_px:
        return None
    corner = np.clip((low + high - extent) / 2, 0, frame - extent)
    left, top, right, bottom = (int(value) for value in np.concatenate([corner, corner + extent]))
    return Window(left, top, right, bottom, math.ceil(input_area_px))


def detect_in(detector: Detector, bgr: Picture, window: Window) -> Detections:
    """What is wholly within the window, in pixels of the picture."""
    part = bgr[window.top : window.bottom, window.left : window.right]
    found = detector.at(window.input_area_px).detect(part)
    corner = np.array([window.left, window.top], np.float32)
    moved = Detections(found.xyxy + np.tile(corner, 2), found.score, found.points + corner)
    return moved.keep(_is_whole(moved.xyxy, window, bgr))


def _is_whole(xyxy: Floats, window: Window, bgr: Picture) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Cut off by the picture's own side is no reason."""
    inner_low = np.array([window.left + _EDGE_PX if window.left else -1.0, window.top + _EDGE_PX if window.top else -1.0])
    inner_high = np.array(
        [
            window.right - _EDGE_PX if window.right < bgr.shape[1] else np.inf,
            window.bottom - _EDGE_PX if window.bottom < bgr.shape[0] else np.inf,
        ]
    )
    whole = (xyxy[:, :2] >= inner_low).all(axis=1) & (xyxy[:, 2:] <= inner_high).all(axis=1)
    return np.asarray(whole, np.bool_)
