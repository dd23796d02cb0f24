"""The format in which a node sends live detections to the API: lines of JSON. Pure.

An empty line says that the node is alive. `{"wall_ns": …, "items": […]}` has what one picture
shows, and `{"kind": …, "detail": …, "message": …}` is the error that ended the stream.
"""

from __future__ import annotations

from pydantic import ValidationError

from api.requests.problems import ErrorRecord
from domain.errors import DataLoss, NodeOffline, SightlineError
from domain.media.live_detections import LiveDetections, read_detections, write_detections

MAX_LINE_BYTES = 1 << 20


def alive_line() -> bytes:
    return b"\n"


def detections_line(detections: LiveDetections) -> bytes:
    return write_detections(detections) + b"\n"


def error_line(error: SightlineError) -> bytes:
    return ErrorRecord.of(error).model_dump_json().encode() + b"\n"


class DetectionReader:
    """Parses the lines of one stream, which arrive in chunks of any size."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._received = b""

    def feed(self, chunk: bytes) -> list[LiveDetections]:
        """Return the detections that are complete now.

        Raises the error with which the node ended the stream, and NodeOffline if the lines are
        something else.
        """
        *lines, self._received = (self._received + chunk).split(b"\n")
        if len(self._received) > MAX_LINE_BYTES:
            raise self._wrong_format()
        return [self._parsed(line) for line in lines if line]

    def _parsed(self, line: bytes) -> LiveDetections:
        try:
            return read_detections(line)
        except DataLoss:
            raise self._error(line) from None

    def _error(self, line: bytes) -> SightlineError:
        try:
            ended = ErrorRecord.model_validate_json(line)
        except ValidationError:
            return self._wrong_format()
        return ended.error(NodeOffline)

    def _wrong_format(self) -> NodeOffline:
        return NodeOffline(
            "{node}, the node that holds this camera, sends detections in "
            "another form; is it of another version?",
            node=self._node,
        )
