"""What tests of analytics share: models and footage where they are, and drawn detections where
neither is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analytics.detection.detections import Detections, Picture
from analytics.models import FACE_DETECTOR, Models
from analytics.plates.fusion import Fusion
from analytics.plates.grammar_search import GrammarSearch
from domain.clock import NS_PER_MS, NS_PER_S
from domain.events.event import Location
from domain.media.packets import ColorPixels, Frame, WallSource
from domain.registry.model import Camera, Checkpoint, CountLine, Polygon
from domain.settings import Settings
from tests.footage import Footage
from tests.yunet import make_yunet

EPOCH_NS = 1_760_000_000 * NS_PER_S


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings()


@pytest.fixture(scope="session")
def models(settings: Settings, models_folder: Path) -> Models:
    return Models.load(settings)


@pytest.fixture(scope="session")
def fusion(models: Models) -> Fusion:
    return Fusion(GrammarSearch(models.reader.alphabet))


@pytest.fixture
def yunet(footage: Footage, models_folder: Path, tmp_path: Path) -> Path:
    """The file of a YuNet: a real one with the real footage, one made of CenterFace otherwise."""
    if not footage.is_drawn:
        return footage.folder / "face-yunet.onnx"
    return make_yunet(models_folder / FACE_DETECTOR, tmp_path / "yunet.onnx")


MakeCamera = Callable[..., Camera]


@pytest.fixture
def make_camera() -> MakeCamera:
    def make(
        checkpoint: tuple[Checkpoint, ...] = ("plate",),
        masks: tuple[Polygon, ...] = (),
        lanes: tuple[Polygon, ...] = (),
        count_lines: tuple[CountLine, ...] = (),
    ) -> Camera:
        return Camera(
            id="east-gate",
            name="East gate",
            class_="A",
            area="old-town",
            location=Location(lon=111.5, lat=32.5),
            url="rtsp://127.0.0.1/east",
            checkpoint=checkpoint,
            masks=masks,
            lanes=lanes,
            count_lines=count_lines,
        )

    return make


MakeFrame = Callable[[int, Picture], Frame]


@pytest.fixture
def make_frame() -> MakeFrame:
    def make(at_ms: int, bgr: Picture) -> Frame:
        return Frame(
            "east-gate",
            ColorPixels(bgr),
            at_ms,
            0,
            EPOCH_NS + at_ms * NS_PER_MS,
            WallSource.RECEIVER,
        )

    return make


MakeFound = Callable[..., Detections]


@pytest.fixture
def make_found() -> MakeFound:
    """Detections of boxes given as (centre x, centre y, width, height) in pixels, scored 0.9
    unless said, with their corners as points.
    """

    def make(*boxes: tuple[float, float, float, float], score: float = 0.9) -> Detections:
        if not boxes:
            return Detections.none(4)
        spans = np.array(boxes, np.float32)
        low, high = spans[:, :2] - spans[:, 2:] / 2, spans[:, :2] + spans[:, 2:] / 2
        corners = np.stack(
            [low, np.stack([high[:, 0], low[:, 1]], 1), high, np.stack([low[:, 0], high[:, 1]], 1)],
            axis=1,
        )
        return Detections(
            np.concatenate([low, high], axis=1),
            np.full(len(boxes), score, np.float32),
            corners.astype(np.float32),
        )

    return make
