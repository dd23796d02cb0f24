"""The sound of clips."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pytest

from domain.clock import NS_PER_S
from domain.media.packets import AudioPacket
from storage.recordings.clip_check import verify
from tests.clips import clip_of
from tests.recorded import KINDS, PLAIN, packets_of, record, sound_of, with_sound
from tests.storage.recordings.virtual.cut_recordings import (
    delayed,
    duration_s,
    first_shown,
    gaps_s,
    segments_in,
    wall_ns_at,
)


@pytest.mark.parametrize("codec", ["aac", "pcm_alaw", "pcm_mulaw"])
@pytest.mark.parametrize("kind", ["plain", "hevc_b_frames"])
def test_sound_goes_with_its_pictures(codec: str, kind: str, tmp_path: Path, ffmpeg: str) -> None:
    packets = packets_of(KINDS[kind])
    sound = sound_of(codec, packets[0], 11.9, delay_ns=NS_PER_S // 8)
    record(with_sound(packets, sound), tmp_path, sound=sound)
    out = tmp_path / "clip.mp4"
    made = clip_of(segments_in(tmp_path), wall_ns_at(1.33), wall_ns_at(7.7), out)
    verify(out, made.start_ns, wall_ns_at(1.33), wall_ns_at(7.7), made.gaps_ms)
    decoded = _sound_in(out)
    expected = [
        piece
        for piece in sound
        if _end_ns(piece) > wall_ns_at(1.33) and piece.wall_ns < wall_ns_at(7.7)
    ]
    assert [data for data, _ in decoded] == [piece.data for piece in expected]
    assert all(
        abs(made.start_ns + ns - piece.wall_ns) < NS_PER_S // 4000
        for (_, ns), piece in zip(decoded, expected, strict=True)
    )
    assert abs(first_shown(out, ffmpeg) - 1.33 * 25) <= 1
    assert _complaints(out, ffmpeg) == ""


def test_a_hole_is_as_long_in_the_sound(tmp_path: Path, ffmpeg: str) -> None:
    packets = packets_of(PLAIN)
    sound = sound_of("pcm_alaw", packets[0], 12)
    later = [
        replace(
            piece,
            wall_ns=piece.wall_ns + 3 * NS_PER_S,
            received_ns=piece.received_ns + 3 * NS_PER_S,
        )
        for piece in sound[200:]
    ]
    sent = with_sound(packets, sound)
    record(sent[:100] + delayed(sent[100:], 3), tmp_path, sound=sound[:200] + later)
    out = tmp_path / "clip.mp4"
    made = clip_of(segments_in(tmp_path), wall_ns_at(3), wall_ns_at(9), out)
    assert gaps_s(made) == [(4, 7)]
    times = [ns for _, ns in _sound_in(out)]
    assert max(after - before for before, after in pairwise(times)) == pytest.approx(
        3.02 * NS_PER_S, abs=NS_PER_S / 1000
    )
    assert _complaints(out, ffmpeg) == ""


def test_a_clip_begins_without_sound_where_none_is_recorded_yet(
    tmp_path: Path, ffmpeg: str
) -> None:
    packets = packets_of(PLAIN)
    sound = sound_of("aac", packets[60], 6)
    record(
        packets[:50]
        + with_sound(
            packets_of(PLAIN, start_ns=wall_ns_at(2), session=2)[:150], _of_session(sound, 2)
        ),
        tmp_path,
        sound=_of_session(sound, 2),
    )
    out = tmp_path / "clip.mp4"
    made = clip_of(segments_in(tmp_path), wall_ns_at(1), wall_ns_at(6), out)
    assert made.gaps_ms == ()
    first_ns = _sound_in(out)[0][1]
    assert made.start_ns + first_ns == pytest.approx(packets[60].wall_ns, abs=NS_PER_S / 4000)
    assert abs(duration_s(out, ffmpeg) - 5) <= 0.1


def _of_session(sound: list[AudioPacket], session: int) -> list[AudioPacket]:
    return [replace(piece, stream=replace(piece.stream, session=session)) for piece in sound]


def _end_ns(piece: AudioPacket) -> int:
    assert piece.stream.audio is not None
    return piece.wall_ns + piece.duration * NS_PER_S // piece.stream.audio.clock_hz


def _sound_in(clip: Path) -> list[tuple[bytes, int]]:
    """The pieces of sound as they lie in the file, with their times."""
    with av.open(str(clip), options={"advanced_editlist": "0"}) as container:
        stream = container.streams.audio[0]
        base = stream.time_base
        assert base is not None
        return [
            (bytes(p), int((p.pts or 0) * base * NS_PER_S))
            for p in container.demux(stream)
            if p.size
        ]


def _complaints(clip: Path, ffmpeg: str) -> str:
    """What ffmpeg has to say while it decodes all of it, but that one channel is guessed to be
    mono.
    """
    command = [ffmpeg, "-v", "warning", "-i", str(clip), "-f", "null", "-"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    return "\n".join(line for line in lines if "Guessed Channel Layout" not in line)
