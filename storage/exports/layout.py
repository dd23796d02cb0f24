"""The layout of the file of an export: the manifest, its recordings in order, the page for people,
and the hashes. Pure.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator

from domain.clock import NS_PER_S
from storage.exports.manifest import MANIFEST_NAME, PAGE_NAME, SUMS_NAME, manifest_of, sums_of
from storage.exports.records import ExportRecord
from storage.exports.zip_layout import MemberBytes, ZipLayout, ZipMember

_MANIFEST = 0
"""The number of the manifest among the members of the ZIP file."""


class ExportLayout:
    """The layout of an export whose ranges were all read. It depends on record and page alone."""

    def __init__(self, record: ExportRecord, page: bytes) -> None:
        """`page` is the content of the member for people."""
        assert record.finished_at is not None
        self.members = record.members
        """The recordings, each with its camera."""
        self._manifest = manifest_of(record)
        self._page = page
        # At the end: a file that an earlier version began to write is continued correctly.
        self._sums = sums_of(record, self._manifest, page)
        after = len(self.members) + 1
        self._contents = {_MANIFEST: self._manifest, after: page, after + 1: self._sums}
        """What is no recording, by the number of the member."""
        finished_s = record.finished_at // NS_PER_S
        recordings = [
            ZipMember(one.name, one.size_bytes, one.crc32, one.end // NS_PER_S)
            for _, one in self.members
        ]
        self._zip = ZipLayout(
            [
                _member(MANIFEST_NAME, self._manifest, finished_s),
                *recordings,
                _member(PAGE_NAME, page, finished_s),
                _member(SUMS_NAME, self._sums, finished_s),
            ]
        )

    @property
    def size_bytes(self) -> int:
        return self._zip.size_bytes

    @property
    def etag(self) -> str:
        """A strong ETag, in quotes: of all headers, the manifest, its page, and each recording."""
        digest = hashlib.sha256(self._zip.headers)
        digest.update(self._manifest + self._page)
        for _, member in self.members:
            digest.update(f"{member.etag} {member.sha256}\n".encode())
        return f'"{digest.hexdigest()}"'

    def parts(self, first: int, length_bytes: int) -> Iterator[bytes | MemberBytes]:
        """Yield what the bytes from `first` on consist of: bytes, and parts of recordings by their
        number in `members`.
        """
        for part in self._zip.parts(first, length_bytes):
            if isinstance(part, bytes):
                yield part
            elif (content := self._contents.get(part.member)) is not None:
                yield content[part.offset : part.offset + part.length_bytes]
            else:
                yield MemberBytes(part.member - 1, part.offset, part.length_bytes)


def _member(name: str, content: bytes, modified_s: int) -> ZipMember:
    return ZipMember(name, len(content), zlib.crc32(content), modified_s)
