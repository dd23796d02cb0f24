"""The format of packets on the socket to the node's live process. Pure.

The client sends the name of a stream and a newline: a camera's id, or `<id>/sub`. It receives
messages: 4 bytes of length (big endian), 1 byte of kind, and the body. `S` is a stream as JSON,
before its first packet; `P` a packet with fixed fields and data; `E` the message of an error as
JSON; `X` the end. For the name `<id>/detections` it receives `D`, the detections of one picture as
JSON, and `A`, which says twice a second that the worker is alive. For `<id>/sound` it receives `S`
and `U`, a packet of sound with fixed fields and data.
"""

from __future__ import annotations

import json
import struct
from fractions import Fraction
from typing import Any

from domain.media.packets import AudioInfo, AudioPacket, Packet, StreamInfo, WallSource
from domain.messages.message import Message

HEAD = struct.Struct(">Ic")
MAX_BYTES = 64 << 20
STREAM, PACKET, ERROR, END = b"S", b"P", b"E", b"X"
DETECTIONS, ALIVE = b"D", b"A"
SOUND = b"U"
DETECTIONS_SUFFIX = "/detections"
"""It makes the name of a camera's detections from the camera's id."""
SOUND_SUFFIX = "/sound"
"""It makes the name of a camera's sound from the camera's id."""
_FIELDS = struct.Struct("<qqqqqq??")
_SOUND_FIELDS = struct.Struct("<qqqq")
_NONE = -(1 << 63)


def message(kind: bytes, body: bytes = b"") -> bytes:
    return HEAD.pack(len(body), kind) + body


def error_message(error: Message) -> bytes:
    return message(ERROR, json.dumps(error.form).encode())


def parse_error(body: bytes) -> Message:
    return Message.of_form(json.loads(body))


def stream_message(stream: StreamInfo) -> bytes:
    fields = {
        "camera_id": stream.camera_id,
        "codec": stream.codec,
        "width_px": stream.width_px,
        "height_px": stream.height_px,
        "time_base": str(stream.time_base),
        "extradata": stream.extradata.hex(),
        "session": stream.session,
        "audio": None if stream.audio is None else _audio_fields(stream.audio),
    }
    return message(STREAM, json.dumps(fields).encode())


def parse_stream(body: bytes) -> StreamInfo:
    fields = json.loads(body)
    audio = fields["audio"]
    return StreamInfo(
        str(fields["camera_id"]),
        str(fields["codec"]),
        int(fields["width_px"]),
        int(fields["height_px"]),
        Fraction(fields["time_base"]),
        bytes.fromhex(fields["extradata"]),
        int(fields["session"]),
        None if audio is None else _parse_audio(audio),
    )


def _audio_fields(audio: AudioInfo) -> dict[str, str | int]:
    return {
        "codec": audio.codec,
        "clock_hz": audio.clock_hz,
        "channels": audio.channels,
        "extradata": audio.extradata.hex(),
    }


def _parse_audio(fields: dict[str, Any]) -> AudioInfo:
    return AudioInfo(
        str(fields["codec"]),
        int(fields["clock_hz"]),
        int(fields["channels"]),
        bytes.fromhex(fields["extradata"]),
    )


def packet_message(packet: Packet) -> bytes:
    sender_ns = _NONE if packet.sender_wall_ns is None else packet.sender_wall_ns
    is_sender = packet.wall_source is WallSource.SENDER
    times = (packet.pts, packet.dts, packet.duration, packet.wall_ns, packet.received_ns, sender_ns)
    return message(PACKET, _FIELDS.pack(*times, packet.is_keyframe, is_sender) + packet.data)


def parse_packet(body: bytes, stream: StreamInfo) -> Packet:
    pts, dts, duration, wall_ns, received_ns, sender_ns, is_keyframe, is_sender = (
        _FIELDS.unpack_from(body)
    )
    source = WallSource.SENDER if is_sender else WallSource.RECEIVER
    sender = None if sender_ns == _NONE else sender_ns
    return Packet(
        stream,
        body[_FIELDS.size :],
        pts,
        dts,
        duration,
        is_keyframe,
        wall_ns,
        source,
        received_ns,
        sender,
    )


def sound_message(packet: AudioPacket) -> bytes:
    fields = _SOUND_FIELDS.pack(packet.pts, packet.duration, packet.wall_ns, packet.received_ns)
    return message(SOUND, fields + packet.data)


def parse_sound(body: bytes, stream: StreamInfo) -> AudioPacket:
    pts, duration, wall_ns, received_ns = _SOUND_FIELDS.unpack_from(body)
    data = body[_SOUND_FIELDS.size :]
    return AudioPacket(stream, data, pts, duration, wall_ns, received_ns)
