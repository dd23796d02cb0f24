"""The layout of the file of an export: the manifest, its recordings in order, and their hashes.
Pure.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator

from domain.clock import NS_PER_S
from storage.exports.manifest import MANIFEST_NAME, SUMS_NAME, manifest_of, sums_of
from storage.exports.records import ExportRecord
from storage.exports.zip_layout import MemberBytes, ZipLayout, ZipMember

_MANIFEST = 0
"""The number of the manifest among the members of the ZIP file."""


class ExportLayout:
    """The layout of an export whose ranges were all read. It depends on the record alone."""

    def __init__(self, record: ExportRecord) -> None:
        assert record.finished_at is not None
        self.members = record.members
        """The recordings, each with its camera."""
        self._manifest = manifest_of(record)
        # The last member: a file that an earlier version began to write is continued correctly.
        self._sums = sums_of(record, self._manifest)
        finished_s = record.finished_at // NS_PER_S
        recordings = [
            ZipMember(one.name, one.size_bytes, one.crc32, one.end // NS_PER_S)
            for _, one in self.members
        ]
        self._zip = ZipLayout(
            [
                _member(MANIFEST_NAME, self._manifest, finished_s),
                *recordings,
                _member(SUMS_NAME, self._sums, finished_s),
            ]
        )

    @property
    def size_bytes(self) -> int:
        return self._zip.size_bytes

    @property
    def etag(self) -> str:
        """A strong ETag, in quotes: of all headers, the manifest, and each recording."""
        digest = hashlib.sha256(self._zip.headers)
        digest.update(self._manifest)
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
            elif part.member == _MANIFEST:
                yield self._manifest[part.offset : part.offset + part.length_bytes]
            elif part.member > len(self.members):
                yield self._sums[part.offset : part.offset + part.length_bytes]
            else:
                yield MemberBytes(part.member - 1, part.offset, part.length_bytes)


def _member(name: str, content: bytes, modified_s: int) -> ZipMember:
    return ZipMember(name, len(content), zlib.crc32(content), modified_s)
