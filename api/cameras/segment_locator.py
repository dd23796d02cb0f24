"""Locates the segments of a range on nodes and in the object store, and reads their bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

from api.access.api_context import ApiContext
from api.cameras.coverage import holders
from api.nodes.client import NodeStream
from domain.errors import NodeOffline, NotFound, ObjectsUnavailable
from domain.media.packets import SegmentName
from domain.paths.object_keys import segment_object
from storage.clients.s3 import ObjectStore, ObjectStream
from storage.mp4.fragment_times import Head, head_of
from storage.recordings.cut_plan import plan
from storage.recordings.disk_usage import OPEN_MARK
from storage.recordings.ledger import Segment, parse_segment
from storage.recordings.served_segments import Keyframes, keyframes_in, said_of_head
from storage.recordings.virtual.layout_records import FileVersion
from storage.site.leases import Lease

_FIRST_BYTES = 64 << 10
_HEADS_KNOWN = 20_000
OBJECTS = "objects"
"""The name of the object store in the list of sources that do not respond."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Located:
    """A segment and its source: a node, or the object store if `lease` is None."""

    segment: Segment
    lease: Lease | None
    head: str
    mime: str
    version: FileVersion
    """The version of its file; in the object store of the object that has this name."""

    @property
    def size_bytes(self) -> int:
        return self.version.size_bytes

    @property
    def is_open(self) -> bool:
        """Whether it is being written."""
        return OPEN_MARK in self.name

    @property
    def key(self) -> tuple[int, int]:
        """What identifies a segment of a camera, also while it is being written."""
        return self.segment.start_ns, self.segment.fence

    @property
    def name(self) -> str:
        return self.segment.path.name

    @property
    def end_ns(self) -> int:
        assert self.segment.end_ns is not None
        return self.segment.end_ns


@dataclass(frozen=True, slots=True)
class LocatedSegments:
    """The segments of a range, and the sources that do not respond."""

    segments: tuple[Located, ...]
    """The segments that are used for some part of the range, by start."""
    offline: tuple[str, ...]


def offline_header(offline: Sequence[str]) -> dict[str, str]:
    return {"Sightline-Offline": ", ".join(offline) or "none"}


def with_segments(
    context: ApiContext, camera_id: str, span: tuple[int, int], use: Callable[[LocatedSegments], T]
) -> T:
    """Return the result of `use` for the segments of [from, to).

    If a source stops responding meanwhile, `use` is called again without that source. Raises
    NodeOffline where no source with segments is left.
    """
    gone: tuple[str, ...] = ()
    while True:
        found = locate(context, camera_id, *span, gone)
        try:
            return use(found)
        except (NodeOffline, ObjectsUnavailable) as error:
            if unresponsive_source(error) in ("", *gone):
                raise
            gone = (*gone, unresponsive_source(error))


def unresponsive_source(error: NodeOffline | ObjectsUnavailable) -> str:
    return error.node if isinstance(error, NodeOffline) else OBJECTS


def locate(
    context: ApiContext, camera_id: str, from_ns: int, to_ns: int, gone: Collection[str] = ()
) -> LocatedSegments:
    """Locate the segments of a range. The sources in `gone` do not respond and are not asked.

    Raises NodeOffline where no segment is found and a source that may have some does not respond.
    """
    found: dict[tuple[int, int], Located] = {}
    offline: list[str] = []
    for source in _sources(context, camera_id, from_ns, to_ns):
        if source.name in gone:
            offline.append(source.name)
            continue
        try:
            listed = source.list_segments()
            found = {(one.segment.start_ns, one.segment.fence): one for one in listed} | found
        except (NodeOffline, ObjectsUnavailable):
            offline += [source.name] if source.may_have_recordings else []
    pieces = plan([one.segment for one in found.values()], from_ns, to_ns)
    used = dict.fromkeys((piece.segment.start_ns, piece.segment.fence) for piece in pieces)
    if not used and offline:
        raise NodeOffline(
            f"{' and '.join(offline)}, which may have recordings of {camera_id}, does not answer"
        )
    return LocatedSegments(tuple(found[key] for key in used), tuple(offline))


SEGMENT_MAX_BYTES = 256 << 20
"""A segment of 10 s is far smaller, also at 100 Mbit/s."""


def segment_bytes(context: ApiContext, one: Located) -> bytes:
    """Return the readable part of a segment. Raises NotFound where it was deleted meanwhile."""
    if one.lease is not None:
        return context.node_client.segment(
            one.lease.node_api_url, one.lease.node, one.segment.camera_id, one.name
        )
    return context.objects.get(_key(one.name), SEGMENT_MAX_BYTES)


def open_segment_part(
    context: ApiContext, one: Located, offset: int, length_bytes: int
) -> NodeStream | ObjectStream:
    """Open a part of a segment. Raises NotFound where it was deleted meanwhile."""
    if one.lease is not None:
        return context.node_client.segment_part(
            one.lease.node_api_url,
            one.lease.node,
            one.segment.camera_id,
            one.name,
            (offset, length_bytes),
        )
    return context.objects.read(_key(one.name), offset, length_bytes)


def segment_keyframes(
    context: ApiContext, one: Located, span: tuple[int, int], every_ns: int
) -> tuple[Head, Keyframes]:
    """Return the head of a segment and its keyframes within [from, to).

    A node reads only the keyframes; from the object store the whole segment is read.
    """
    if one.lease is not None:
        return context.node_client.keyframes(
            one.lease.node_api_url, one.lease.node, one.segment.camera_id, one.name, span, every_ns
        )
    data = segment_bytes(context, one)
    return head_of(data), keyframes_in(io.BytesIO(data), one.segment.start_ns, span, every_ns)


def fetch(context: ApiContext, camera_id: str, name: str) -> tuple[Located, bytes]:
    """Return the segment with that name and its readable part. Raises NotFound."""
    requested = parse_segment(Path(name))
    if requested is None or requested.camera_id != camera_id:
        raise NotFound(
            f"{name[:80]!r} is no segment of {camera_id}; use the URLs of a playlist without a "
            "change"
        )

    def use(found: LocatedSegments) -> tuple[Located, bytes]:
        for one in found.segments:
            segment = one.segment
            if (segment.start_ns, segment.fence) == (requested.start_ns, requested.fence):
                return one, segment_bytes(context, one)
        raise NotFound(f"{name[:80]} was deleted")

    return with_segments(context, camera_id, (requested.start_ns, requested.start_ns + 1), use)


@dataclass(frozen=True, slots=True)
class _Source:
    """A node or the object store."""

    name: str
    may_have_recordings: bool
    """Whether segments of the range may be missing if it does not respond."""
    list_segments: Callable[[], Sequence[Located]]


def _sources(context: ApiContext, camera_id: str, from_ns: int, to_ns: int) -> Sequence[_Source]:
    """Return the sources in order: a segment that several have is read from the first."""

    def list_on_node(lease: Lease) -> Sequence[Located]:
        segments = context.node_client.segments(
            lease.node_api_url, lease.node, camera_id, from_ns, to_ns
        )
        return [
            _located(
                camera_id,
                one.name,
                one.end_ns,
                lease,
                (one.head, one.mime),
                FileVersion(one.size_bytes, one.modified_ns, one.inode),
            )
            for one in segments
        ]

    def list_in_store() -> Sequence[Located]:
        return [
            _located(
                camera_id,
                one.name.file_name,
                one.end_ns,
                None,
                _stored_head(context.objects, one.name),
                FileVersion(one.size_bytes, 0, 0),
            )
            for one in context.stored.between(camera_id, from_ns, to_ns)
        ]

    nodes = [
        _Source(one.lease.node, one.may_have_recordings, partial(list_on_node, one.lease))
        for one in holders(context, camera_id, from_ns)
    ]
    return [*nodes, _Source(OBJECTS, True, list_in_store)]


def _located(
    camera_id: str,
    name: str,
    end_ns: int,
    lease: Lease | None,
    head: tuple[str, str],
    version: FileVersion,
) -> Located:
    segment = parse_segment(Path(name))
    if segment is None or segment.camera_id != camera_id:
        raise NodeOffline(
            f"{name[:80]!r} is no segment of {camera_id}; is the node of another version?"
        )
    return Located(
        Segment(segment.path, segment.camera_id, segment.start_ns, end_ns, segment.fence),
        lease,
        *head,
        version,
    )


def _key(name: str) -> str:
    parsed = SegmentName.parse(name)
    if parsed is None:
        raise NotFound(f"{name[:80]} is not in the object store")
    return segment_object(parsed)


@lru_cache(_HEADS_KNOWN)
def _stored_head(objects: ObjectStore, name: SegmentName) -> tuple[str, str]:
    """Return the hash and the MIME type of a segment's head; a stored segment never changes."""
    stream = objects.read(segment_object(name), 0, _FIRST_BYTES)
    try:
        return said_of_head(head_of(b"".join(stream)).data)
    finally:
        stream.close()
