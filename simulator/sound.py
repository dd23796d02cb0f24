"""The sound of simulated cameras: a tone, prepared once, as ready RTP packets in a loop."""

from __future__ import annotations

from functools import cache

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from simulator.media import PreparedMedia, unit_of
from simulator.rtp import Codec

TONE_HZ = 500
_G711_HZ, _G711_SAMPLES = 8000, 320
_AAC_HZ, _AAC_SAMPLES, _AAC_TYPE = 16_000, 1024, 97
_ENCODERS = {Codec.PCMA: "pcm_alaw", Codec.PCMU: "pcm_mulaw"}
_TYPES = {Codec.PCMA: 8, Codec.PCMU: 0}
"""The static payload types (RFC 3551, 6)."""


@cache
def tone(codec: Codec) -> PreparedMedia:
    """Return some seconds of a tone as G.711 or AAC."""
    return _aac() if codec is Codec.AAC else _g711(codec)


def _g711(codec: Codec) -> PreparedMedia:
    """Return packets of 40 ms, as many cameras send them (RFC 3551)."""
    encoder = _encoder(_ENCODERS[codec], "s16", _G711_HZ)
    number, count = _TYPES[codec], 2 * _G711_HZ // _G711_SAMPLES
    units = []
    for at in range(0, count * _G711_SAMPLES, _G711_SAMPLES):
        wave = (_wave(at, _G711_SAMPLES, _G711_HZ) * 0x4000).astype(np.int16)
        (packet,) = encoder.encode(_frame(wave, "s16", _G711_HZ))
        units.append(unit_of([bytes(packet)], number, at, at, True))
    lines = (f"m=audio 0 RTP/AVP {number}", f"a=rtpmap:{number} {codec.value.upper()}/{_G711_HZ}")
    return PreparedMedia(codec, _G711_HZ, tuple(units), count * _G711_SAMPLES, lines)


def _aac() -> PreparedMedia:
    """Return one frame in each packet (RFC 3640, AAC-hbr)."""
    encoder = _encoder("aac", "fltp", _AAC_HZ)
    frames: list[bytes] = []
    for at in range(0, 4 * _AAC_HZ, _AAC_SAMPLES):
        wave = (_wave(at, _AAC_SAMPLES, _AAC_HZ) / 2).astype(np.float32)
        frames += [bytes(packet) for packet in encoder.encode(_frame(wave, "fltp", _AAC_HZ))]
    units = []
    for number, frame in enumerate(frames):
        # 16 bits of headers follow: 13 bits of size, and 3 bits of index.
        payload = (16).to_bytes(2, "big") + (len(frame) << 3).to_bytes(2, "big") + frame
        at = number * _AAC_SAMPLES
        units.append(unit_of([payload], _AAC_TYPE, at, at, True))
    config = bytes(encoder.extradata or b"").hex()
    lines = (
        f"m=audio 0 RTP/AVP {_AAC_TYPE}",
        f"a=rtpmap:{_AAC_TYPE} mpeg4-generic/{_AAC_HZ}/1",
        f"a=fmtp:{_AAC_TYPE} streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;"
        f"indexlength=3;indexdeltalength=3;config={config}",
    )
    return PreparedMedia(Codec.AAC, _AAC_HZ, tuple(units), len(frames) * _AAC_SAMPLES, lines)


def _encoder(name: str, form: str, rate_hz: int) -> AudioCodecContext:
    encoder = AudioCodecContext.create(name, "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = rate_hz, "mono", form
    return encoder


def _wave(first: int, count: int, rate_hz: int) -> NDArray[np.float64]:
    steps: NDArray[np.int64] = np.arange(first, first + count)
    wave: NDArray[np.float64] = np.sin(2 * np.pi * TONE_HZ / rate_hz * steps)
    return wave


def _frame(wave: NDArray[np.int16] | NDArray[np.float32], form: str, rate_hz: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(wave[None], form, "mono")
    frame.sample_rate = rate_hz
    return frame
