"""The records of a live stream are the same after transport in chunks of any size."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.nodes.live_wire import LiveReader, LiveWriter, alive_record, error_record
from domain.errors import NodeOffline, NotFound, SightlineError, SourceTimeout, SourceUnsupported
from domain.media.live_stream import LiveFragment, LiveInit
from domain.media.packets import WallSource

INITS = (
    LiveInit('video/mp4; codecs="avc1.64001f"', "h264", 1280, 720, b"first"),
    LiveInit('video/mp4; codecs="hvc1.1.6.L93.B0"', "hevc", 640, 480, b""),
    LiveInit('audio/mp4; codecs="alaw"', "pcm_alaw", 0, 0, b"sound", 8000, 1),
)
FRAGMENTS = st.builds(
    LiveFragment,
    st.sampled_from(INITS),
    st.binary(max_size=300),
    st.booleans(),
    st.integers(0, 1 << 62),
    st.integers(0, 1 << 62),
    st.sampled_from(WallSource),
    st.integers(0, 1 << 62),
)


@given(st.lists(FRAGMENTS, max_size=12), st.integers(1, 400), st.integers(1, 5))
def test_fragments_are_read_as_they_were_written(
    fragments: list[LiveFragment], chunk_bytes: int, together: int
) -> None:
    writer, reader = LiveWriter(), LiveReader("node-1")
    sent = b"".join(
        writer.records(fragments[at : at + together]) + alive_record()
        for at in range(0, len(fragments), together)
    )
    read = [
        one
        for at in range(0, len(sent), chunk_bytes)
        for one in reader.feed(sent[at : at + chunk_bytes])
    ]
    assert read == fragments
    changes = sum(1 for one, after in pairwise(read) if one.init != after.init)
    assert len({id(one.init) for one in read}) <= changes + 1


@pytest.mark.parametrize(
    "error",
    [
        NotFound("no worker of this node has camera gate"),
        SourceTimeout("camera gate gives no video"),
        SourceUnsupported("camera gate sends no parameter sets"),
        NodeOffline("the worker does not answer"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_error_that_ended_a_stream_is_raised(error: SightlineError) -> None:
    with pytest.raises(SightlineError, match=str(error)) as raised:
        LiveReader("node-1").feed(error_record(error))
    # A silent camera is `camera_unavailable` for the API, like every error of a source.
    assert isinstance(error, type(raised.value))


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff\xff\xff\xffF",
        b"\0\0\0\1F\0",
        b"\0\0\0\2Ixx",
        b"\0\0\0\5I\0\0\0\1x",
        b"\0\0\0\3E{}x",
    ],
)
def test_another_format_counts_as_a_node_that_is_offline(sent: bytes) -> None:
    with pytest.raises(NodeOffline, match="another version"):
        LiveReader("node-1").feed(sent)
