"""Pictures become RTP payloads that an independent depacketiser reads back unchanged."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.webrtc.protocols.packetiser import MAX_PAYLOAD_BYTES, payloads
from ingest.packets.fragmentation_units import H264Collector
from ingest.packets.nal import START_CODE

UNITS = st.lists(
    st.builds(
        lambda kind, importance, size, byte: (
            bytes((importance << 5 | kind,)) + bytes((byte,)) * size
        ),
        st.sampled_from([1, 5, 6, 7, 8, 9]),
        st.integers(0, 3),
        st.one_of(st.integers(1, 40), st.integers(1100, 1300), st.integers(2300, 6000)),
        st.integers(1, 255),
    ),
    min_size=1,
    max_size=12,
)


def read_back(found: list[bytes]) -> bytes:
    collector = H264Collector()
    for payload in found:
        assert collector.add(payload, 0, len(payload))
    assert not collector.is_open
    return b"".join(collector.parts)


@given(UNITS)
def test_a_depacketiser_reads_the_same_units(units: list[bytes]) -> None:
    found = payloads(units)
    assert read_back(found) == b"".join(START_CODE + unit for unit in units)
    assert max(map(len, found)) <= MAX_PAYLOAD_BYTES


def test_sizes_around_the_largest_payload() -> None:
    for size in range(MAX_PAYLOAD_BYTES - 3, MAX_PAYLOAD_BYTES + 4):
        unit = b"\x65" + b"\xaa" * (size - 1)
        found = payloads([unit])
        assert read_back(found) == START_CODE + unit
        assert len(found) == 1 + (size > MAX_PAYLOAD_BYTES)


def test_small_units_share_a_payload_and_fragments_have_one_size() -> None:
    sets, slice_ = [b"\x67" + b"s" * 20, b"\x68pps"], b"\x65" + b"p" * 5000
    joined, *fragments = payloads([*sets, slice_])
    assert joined[0] & 0x1F == 24
    assert {len(one) for one in fragments[:-1]} == {MAX_PAYLOAD_BYTES}
    assert len(fragments[-1]) < MAX_PAYLOAD_BYTES
