"""The shape of a stream is decoded once from a keyframe, and then known by its parameter sets."""

from __future__ import annotations

from ingest.packets import nal
from ingest.packets import stream_probe as probe
from tests.ingest.packets.test_track_times import first_picture


def test_a_shape_is_found_once_and_known_by_its_parameter_sets() -> None:
    probe._known.clear()
    sets, keyframe = first_picture(0)
    extradata, picture = nal.annex_b(sets), nal.annex_b((*sets, keyframe))
    assert probe.shape_of("h264", extradata, b"").width_px == 0, (
        "a keyframe that is lost says nothing, and is not remembered"
    )
    assert probe.shape_of("h264", extradata, picture) == probe.Shape(320, 240, 0, 0.04)
    assert probe.shape_of("h264", extradata, b"") == probe.Shape(320, 240, 0, 0.04)
    deeper, reordered = first_picture(2)
    shape = probe.shape_of("h264", nal.annex_b(deeper), nal.annex_b((*deeper, reordered)))
    assert shape.reorder_depth > 0, "other sets are another stream"
