"""Locates the segments of a range on nodes and in the object store, and reads their bytes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

from api.access.api_context import ApiContext
from api.cameras.camera_nodes import holders
from api.nodes.client import NodeStream
from api.nodes.node_requests import other_form
from api.nodes.segment_lists import NO_HEAD, read_rows
from api.nodes.segment_lists import Head as ListedHead
from domain.clock import NS_PER_MS
from domain.errors import DataLoss, NodeOffline, NotFound, ObjectsUnavailable
from domain.messages.message import joined_names
from domain.paths.object_keys import segment_object
from domain.paths.segment_name import SegmentName
from storage.clients.s3 import ObjectStore, ObjectStream
from storage.mp4.fragment_times import head_of
from storage.recordings.cut_plan import CutPiece, plan
from storage.recordings.damaged_fragments import state_of as damage_state
from storage.recordings.disk_usage import OPEN_MARK
from storage.recordings.ledger import Segment, parse_segment
from storage.recordings.served_segments import describe_head
from storage.recordings.stored_segments import StoredSegment
from storage.recordings.virtual.layout_records import FileVersion
from storage.site.leases import Lease

_FIRST_BYTES = 64 << 10
_HEADS_KNOWN = 20_000
_HOURS_KNOWN = 200
"""Hours of segments that are remembered; each uses about 0.3 MB."""
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
    pieces: tuple[CutPiece, ...] = field(compare=False, repr=False)
    """For which part of the range each is used, by time."""


def state_of(one: Located) -> str:
    """Return the key of a segment and the version of its file."""
    version = one.version
    return damage_state(
        one.name, version.size_bytes, version.modified_ns, version.inode, version.etag
    )


def offline_header(offline: Sequence[str]) -> dict[str, str]:
    return {"Sightline-Offline": ", ".join(offline) or "none"}


def with_segments(
    context: ApiContext,
    camera_id: str,
    span: tuple[int, int],
    use: Callable[[LocatedSegments], T],
    with_heads: bool = True,
) -> T:
    """Return the result of `use` for the segments of [from, to).

    If a source stops responding meanwhile, `use` is called again without that source. Raises
    NodeOffline where no source with segments is left.
    """
    gone: tuple[str, ...] = ()
    while True:
        found = locate(context, camera_id, *span, gone, with_heads)
        try:
            return use(found)
        except (NodeOffline, ObjectsUnavailable) as error:
            if unresponsive_source(error) in ("", *gone):
                raise
            gone = (*gone, unresponsive_source(error))


def unresponsive_source(error: NodeOffline | ObjectsUnavailable) -> str:
    return error.node if isinstance(error, NodeOffline) else OBJECTS


def locate(
    context: ApiContext,
    camera_id: str,
    from_ns: int,
    to_ns: int,
    gone: Collection[str] = (),
    with_heads: bool = True,
) -> LocatedSegments:
    """Locate the segments of a range. The sources in `gone` do not respond and are not asked.
    Without heads, they are not read from the files, and are empty.

    Raises NodeOffline where no segment is found and a source that may have some does not respond.
    """
    found: dict[tuple[int, int], Located] = {}
    offline: list[str] = []
    for source in _sources(context, camera_id, from_ns, to_ns, with_heads):
        if source.name in gone:
            offline.append(source.name)
            continue
        try:
            listed = source.list_segments()
            found = {(one.segment.start_ns, one.segment.fence): one for one in listed} | found
        except (NodeOffline, ObjectsUnavailable):
            offline += [source.name] if source.may_have_recordings else []
    pieces = plan([one.segment for one in found.values()], from_ns, to_ns)
    used = dict.fromkeys(piece.segment.key for piece in pieces)
    if not used and offline:
        raise NodeOffline(
            "{offline}, which may have recordings of {camera}, does not answer",
            offline=joined_names(offline),
            camera=camera_id,
        )
    return LocatedSegments(tuple(found[key] for key in used), tuple(offline), pieces)


SEGMENT_MAX_BYTES = 256 << 20
"""A segment of 10 s is far smaller, also at 100 Mbit/s."""


def open_segment_part(
    context: ApiContext, one: Located, offset: int, length_bytes: int
) -> NodeStream | ObjectStream:
    """Open a part of a segment. Raises NotFound where it was deleted meanwhile, DataLoss where its
    file or its object was changed since it was listed.
    """
    if one.lease is not None:
        return _open_node_part(context, one, one.lease, (offset, length_bytes))
    stream = context.objects.read(_key(one.name), offset, length_bytes)
    if stream.stat.etag != one.version.etag:
        stream.close()
        raise DataLoss(
            "{segment} was replaced in the object store since it was listed", segment=one.name
        )
    return stream


def _open_node_part(
    context: ApiContext, one: Located, lease: Lease, part: tuple[int, int]
) -> NodeStream:
    stream = context.node_client.segment_part(
        lease.node_api_url, lease.node, one.segment.camera_id, one.name, part
    )
    listed = one.version
    version = f"{listed.size_bytes}-{listed.modified_ns}-{listed.inode}"
    is_listed = stream.version in ("", version)  # a node of an earlier version names none
    if not is_listed and not one.is_open:
        stream.close()
        raise DataLoss(
            "{segment} was changed on {node} since it was listed", segment=one.name, node=lease.node
        )
    return stream


def with_segment(context: ApiContext, camera_id: str, name: str, use: Callable[[Located], T]) -> T:
    """Return the result of `use` for the segment with that name. Raises NotFound."""
    requested = parse_segment(Path(name))
    if requested is None or requested.camera_id != camera_id:
        raise NotFound(
            "{segment} is no segment of {camera}; use the URLs of a playlist without a change",
            segment=repr(name[:80]),
            camera=camera_id,
        )

    def use_it(found: LocatedSegments) -> T:
        one = next((one for one in found.segments if one.key == requested.key), None)
        if one is None:
            raise NotFound("{segment} was deleted", segment=name[:80])
        return use(one)

    return with_segments(context, camera_id, (requested.start_ns, requested.start_ns + 1), use_it)


@dataclass(frozen=True, slots=True)
class _Source:
    """A node or the object store."""

    name: str
    may_have_recordings: bool
    """Whether segments of the range may be missing if it does not respond."""
    list_segments: Callable[[], Sequence[Located]]


def _sources(
    context: ApiContext, camera_id: str, from_ns: int, to_ns: int, with_heads: bool
) -> Sequence[_Source]:
    """Return the sources in order: a segment that several have is read from the first."""

    def list_on_node(lease: Lease) -> Sequence[Located]:
        listed = context.node_client.segments(
            lease.node_api_url, lease.node, camera_id, from_ns, to_ns, with_heads
        )
        if listed.camera_id != camera_id:
            raise other_form(lease.node)
        # The last heartbeat differs at each call, and is nothing that a segment depends on.
        source = replace(lease, seen_ns=0)
        try:
            hours = [
                _located_hour(camera_id, source, listed.heads, rows) for rows in listed.hours()
            ]
        except DataLoss as error:
            raise other_form(lease.node) from error
        return [one for hour in hours for one in hour]

    def list_in_store() -> Sequence[Located]:
        no_head = ("", "")
        return [
            _located_in_store(
                one, _stored_head(context.objects, one.name) if with_heads else no_head
            )
            for one in context.stored.between(camera_id, from_ns, to_ns)
        ]

    nodes = [
        _Source(one.lease.node, one.may_have_recordings, partial(list_on_node, one.lease))
        for one in holders(context, camera_id, from_ns)
    ]
    return [*nodes, _Source(OBJECTS, True, list_in_store)]


@lru_cache(_HOURS_KNOWN)
def _located_hour(
    camera_id: str, lease: Lease, heads: tuple[ListedHead, ...], rows: bytes
) -> tuple[Located, ...]:
    """Return the segments that a node lists of an hour. Most hours are listed again without a
    change. Raises DataLoss.
    """
    found = []
    for row in read_rows(rows, len(heads)):
        path = Path(row.file_name(camera_id))
        start_ns = row.start_ms * NS_PER_MS
        segment = Segment(path, camera_id, start_ns, row.end_ns, row.fence)
        head = ListedHead("", "") if row.head == NO_HEAD else heads[row.head]
        version = FileVersion(row.size_bytes, row.modified_ns, row.inode)
        found.append(Located(segment, lease, head.digest, head.mime, version))
    return tuple(found)


def _located_in_store(one: StoredSegment, head: tuple[str, str]) -> Located:
    name = one.name
    segment = Segment(Path(name.file_name), name.camera_id, name.start_ns, one.end_ns, name.fence)
    return Located(segment, None, *head, FileVersion(one.size_bytes, 0, 0, one.etag))


def _key(name: str) -> str:
    parsed = SegmentName.parse(name)
    if parsed is None:
        raise NotFound("{segment} is not in the object store", segment=name[:80])
    return segment_object(parsed)


@lru_cache(_HEADS_KNOWN)
def _stored_head(objects: ObjectStore, name: SegmentName) -> tuple[str, str]:
    """Return the hash and the MIME type of a segment's head; a stored segment never changes."""
    stream = objects.read(segment_object(name), 0, _FIRST_BYTES)
    try:
        return describe_head(head_of(b"".join(stream)).data)
    finally:
        stream.close()
