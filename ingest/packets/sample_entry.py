"""How a file or a player must be prepared for the video of a camera: its sample entry."""

from __future__ import annotations

from domain.errors import DataLoss
from domain.media.packets import Packet
from ingest.packets import nal
from storage.mp4.sample_entries import VideoSampleEntry


def video_sample_entry(first: Packet, delay: int = 0) -> VideoSampleEntry:
    """Return the sample entry of a session that begins with the keyframe `first`.

    Its parameter sets come from the description or, if that has none, from the keyframe. Raises
    DataLoss if there are none.
    """
    stream = first.stream
    sets = nal.parameter_sets(stream.codec, stream.extradata) or nal.parameter_sets(
        stream.codec, first.data
    )
    if not sets:
        raise DataLoss(
            "camera {camera} sends no parameter sets, so that its video can be "
            "neither recorded nor decoded",
            camera=stream.camera_id,
        )
    return VideoSampleEntry(
        stream.codec, stream.width_px, stream.height_px, sets, stream.time_base.denominator, delay
    )
