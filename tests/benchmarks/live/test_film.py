"""The film of the benchmarks of live video."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from benchmarks.live import film as films
from benchmarks.live.janus import film_units, units_of


def test_the_film_has_the_stated_rate_and_keyframes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(films, "FILM_S", 6)
    file = films.film(tmp_path / "film.mp4")
    with av.open(str(file)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    keyframes = [number for number, packet in enumerate(packets) if packet.is_keyframe]
    assert keyframes == [0, 50, 100]
    bits_per_s = 8 * sum(packet.size for packet in packets) / 6
    assert bits_per_s == pytest.approx(films.BITS_PER_S, rel=0.3)


def test_janus_is_fed_every_picture_with_parameter_sets_before_keyframes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(films, "FILM_S", 3)
    pictures = film_units(films.film(tmp_path / "film.mp4"))
    assert len(pictures) == 75
    kinds = [{unit[0] & 0x1F for unit in units} for units in pictures]
    assert [number for number, found in enumerate(kinds) if {5, 7, 8} <= found] == [0, 50]
    assert units_of(b"\0\0\0\1\x67ab\0\0\1\x65cd") == [b"\x67ab", b"\x65cd"]
