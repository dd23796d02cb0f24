"""Settings for models, decoders and the analysis of pictures."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from domain.settings_groups.environment import EnvironmentFields


class DecoderDevice(StrEnum):
    """What decodes the pictures of checkpoints."""

    AUTO = "auto"  # the first device that works, else software
    SOFTWARE = "software"
    CUDA = "cuda"
    QSV = "qsv"


class AnalysisFields(EnvironmentFields):
    """A part of `Settings`."""

    models_dir: Path = Field(
        Path(sys.prefix) / "share" / "sightline" / "models",
        description="folder in which `make install` places the models",
    )
    face_model: str = Field(
        "centerface", description="`centerface`, or the path of a YuNet ONNX file"
    )
    onnx_providers: str = Field(
        "cpu",
        pattern=r"^(cpu|cuda|openvino|tensorrt)(,(cpu|cuda|openvino|tensorrt))*$",
        description="ONNX Runtime providers in order of preference: cuda, openvino, tensorrt, "
        "cpu; providers that are not installed are skipped",
    )
    decoder: DecoderDevice = Field(
        DecoderDevice.SOFTWARE,
        description="what decodes the pictures of checkpoints: auto, software, cuda or qsv; "
        "software is used if the device does not work",
    )
    decoder_cameras: int = Field(
        16,
        ge=1,
        le=256,
        description="most checkpoints of a worker that a device decodes, because each takes memory "
        "there; software decodes the others",
    )
    plate_detect_fps: float = Field(
        10.0, gt=0, le=30, description="frames per second analysed for plates while there is motion"
    )
    face_detect_fps: float = Field(
        6.0, gt=0, le=30, description="frames per second analysed for faces while there is motion"
    )
    reanalysis_hours: str = Field(
        "",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$",
        description="hours of the day, in the city's time zone, in which recordings are analysed "
        "that live analysis left out, such as 01:00-05:00; empty: never",
    )
