"""The adapter for the object store (any S3): small calls, short timeouts, and errors of
`domain.errors`. Only this module imports `minio`.

Nothing is retried here, because the caller knows whether it can wait. Objects are streamed; only
`get` reads one into memory.
"""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NoReturn, Protocol

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from domain.errors import DataLoss, NotFound, ObjectsFull, ObjectsUnavailable
from storage.clients.circuit_breaker import CircuitBreaker

TIMEOUT_S = 5.0
MOST_IDLE = 128
"""Connections that are kept for the next call: more than the threads of any process that call
concurrently.
"""
PART_BYTES = 8 << 20  # of a multipart upload; also the most of a file in memory
CHUNK_BYTES = 64 << 10
RECORD_MAX_BYTES = 16 << 20
"""The most of an object that `get` reads into memory, unless its caller expects more."""
_SILENT_ERRORS = (urllib3.exceptions.HTTPError,)
_ABSENT = frozenset({"NoSuchKey", "NoSuchObject", "NoSuchBucket", "ResourceNotFound"})
_FULL = frozenset(
    {
        "XMinioStorageFull",
        "XMinioAdminBucketQuotaExceeded",
        "QuotaExceeded",
        "InsufficientCapacity",
        "InternalError",
    }
)
"""The error codes of stores without space. SeaweedFS answers only `InternalError` when none of its
volumes is writable.
"""
_OK, _CONFLICT, _PRECONDITION_FAILED, _INSUFFICIENT_STORAGE = 200, 409, 412, 507
_SIGNED_FOR = timedelta(minutes=5)
_CODE = re.compile(rb"<Code>([A-Za-z]+)</Code>")
_BUCKET_IS_THERE = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


# Streams to slow readers hold a connection each, without a bound. Those above `MOST_IDLE` are
# closed once they end, which is as intended; urllib3 has a warning for each.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class ObjectStat:
    key: str
    size_bytes: int
    etag: str
    modified_s: int = field(default=0, compare=False)
    """When it was written (UTC); 0 if that was not read."""

    @property
    def version(self) -> tuple[str, int, int]:
        """A value that differs between two states of an object."""
        return self.etag, self.size_bytes, self.modified_s


class _Response(Protocol):
    @property
    def headers(self) -> Mapping[str, str]: ...
    def read(self, amt: int) -> bytes: ...
    def close(self) -> None: ...
    def release_conn(self) -> None: ...


class ObjectStream(Iterator[bytes]):
    """The bytes of an object in chunks, as they arrive. Close it if it is not read to its end."""

    def __init__(self, response: _Response | None, key: str) -> None:
        self._response = response
        self._key = key
        self.stat = ObjectStat(key, 0, "") if response is None else _stat_of(key, response.headers)
        """The object that the bytes are of."""

    def __next__(self) -> bytes:
        if self._response is None:
            raise StopIteration
        with _mapped(self._key):
            chunk = self._response.read(CHUNK_BYTES)
        if not chunk:
            self.close()
            raise StopIteration
        return chunk

    def close(self) -> None:
        response, self._response = self._response, None
        if response is not None:
            response.close()
            response.release_conn()


class ObjectStore:
    """One bucket. It is thread-safe.

    Every call raises ObjectsUnavailable if the store is unreachable or refuses.
    """

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        secure: bool = False,
        ca_file: Path | None = None,
    ) -> None:
        """Use `endpoint`, which is `host:port` without a scheme.

        With `secure`, the store's certificate and name are verified against `ca_file`, or else
        the system's authorities.
        """
        self.bucket = bucket
        self._where = (endpoint, access_key, secret_key, bucket, secure, ca_file)
        self._breaker = CircuitBreaker()
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=TIMEOUT_S, read=TIMEOUT_S),
            retries=urllib3.Retry(0),
            maxsize=MOST_IDLE,
            cert_reqs="CERT_REQUIRED",
            ca_certs=None if ca_file is None else str(ca_file),
        )
        try:
            # A region given is a region not asked for: one request less, and one thing less that
            # can fail.
            self._client = Minio(
                endpoint,
                access_key,
                secret_key,
                secure=secure,
                region="us-east-1",
                http_client=self._http,
            )
        except ValueError:
            # The cause is left out: it may repeat keys that were written into the address.
            raise ObjectsUnavailable(
                "SIGHTLINE_S3_ENDPOINT is not host:port of an object store"
            ) from None

    def __reduce__(
        self,
    ) -> tuple[type[ObjectStore], tuple[str, str, str, str, bool, Path | None]]:
        """Pickle as a client of the same store, which opens its own connections in the other
        process.
        """
        return ObjectStore, self._where

    def ensure_bucket(self) -> None:
        """Create the bucket unless it exists."""
        with self._guarded(self.bucket):
            if self._client.bucket_exists(self.bucket):
                return
            try:
                self._client.make_bucket(self.bucket)
            except S3Error as error:
                if error.code not in _BUCKET_IS_THERE:
                    raise

    def ping(self) -> None:
        """Raises ObjectsUnavailable unless the store answers for the bucket."""
        with self._guarded(self.bucket):
            if not self._client.bucket_exists(self.bucket):
                raise ObjectsUnavailable(
                    "the object store has no bucket {bucket}", bucket=repr(self.bucket)
                )

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Write `data`; an existing object is replaced."""
        with self._guarded(key), _writing(key):
            self._client.put_object(self.bucket, key, io.BytesIO(data), len(data), content_type)

    def put_new(self, key: str, data: bytes, content_type: str) -> bool:
        """Write `data` unless the key exists; return whether it was written. Of several writers one
        wins.

        A store that ignores `If-None-Match` lets the last one win. What was written is therefore
        read back, so that the others notice, unless they read theirs before.
        """
        headers = {"If-None-Match": "*", "Content-Type": content_type}
        with self._guarded(key):
            # The client of `minio` sends no conditional headers; an address that it signed may.
            address = self._client.get_presigned_url("PUT", self.bucket, key, expires=_SIGNED_FOR)
            answer = self._http.request("PUT", address, body=data, headers=headers)
        if answer.status in (_PRECONDITION_FAILED, _CONFLICT):
            return False
        if answer.status != _OK:
            _refuse(key, answer.status, answer.data)
        return self.get(key) == data

    def put_file(self, key: str, path: Path, content_type: str) -> ObjectStat:
        """Write a file, `PART_BYTES` at a time, and return its state with the store's etag. An
        existing object is replaced.
        """
        with path.open("rb") as file, self._guarded(key), _writing(key):
            size_bytes = os.fstat(file.fileno()).st_size
            made = self._client.put_object(
                self.bucket,
                key,
                file,
                size_bytes,
                content_type,
                part_size=PART_BYTES,
                num_parallel_uploads=1,
            )
        return ObjectStat(key, size_bytes, _bare_etag(made.etag))

    def get(self, key: str, most_bytes: int = RECORD_MAX_BYTES) -> bytes:
        """Return a small object as a whole. Raises NotFound, and DataLoss for a larger one, which
        would fill the memory.
        """
        with closing(self.read(key)) as stream:
            if stream.stat.size_bytes > most_bytes:
                raise DataLoss(
                    "{key} has {size_bytes} bytes, and at most {most_bytes} "
                    "belong there; it is not read",
                    key=key,
                    size_bytes=stream.stat.size_bytes,
                    most_bytes=most_bytes,
                )
            return b"".join(stream)

    def read(self, key: str, offset: int = 0, length: int | None = None) -> ObjectStream:
        """Return `length` bytes from `offset`, or all to the end. NotFound is raised at the call,
        not at the first chunk.
        """
        if length == 0:
            return ObjectStream(None, key)
        with self._guarded(key):
            return ObjectStream(
                self._client.get_object(self.bucket, key, offset=offset, length=length or 0), key
            )

    def stat(self, key: str) -> ObjectStat | None:
        """Return size and etag of an object, or None if it does not exist."""
        try:
            with self._guarded(key):
                found = self._client.stat_object(self.bucket, key)
        except NotFound:
            return None
        modified_s = 0 if found.last_modified is None else int(found.last_modified.timestamp())
        return ObjectStat(key, found.size or 0, _bare_etag(found.etag), modified_s)

    def folders(self, prefix: str) -> list[str]:
        """Return the names directly under `prefix` (which ends with `/`) that have objects below
        them.
        """
        with _mapped(prefix):
            found = self._client.list_objects(self.bucket, prefix)
            return [
                name.removeprefix(prefix).rstrip("/")
                for one in found
                if one.is_dir and (name := one.object_name)
            ]

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        """Yield every object whose key begins with `prefix`, by key; pages are fetched as they are
        needed.
        """
        with _mapped(prefix):
            for found in self._client.list_objects(self.bucket, prefix, recursive=True):
                if found.object_name is not None and not found.is_dir:
                    yield ObjectStat(found.object_name, found.size or 0, _bare_etag(found.etag))

    def delete(self, key: str) -> None:
        """Delete an object; a missing one is no error."""
        with self._guarded(key):
            self._client.remove_object(self.bucket, key)

    def close(self) -> None:
        self._http.clear()

    @contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        refusal = ObjectsUnavailable(
            "the object store did not answer its last call, so it is not "
            "asked for {request} meanwhile",
            request=what,
        )
        with _mapped(what), self._breaker.guard(refusal, _SILENT_ERRORS):
            yield


def _stat_of(key: str, headers: Mapping[str, str]) -> ObjectStat:
    """Return the state of the whole object, also if the answer is a part of it."""
    size_bytes = headers.get("Content-Range", "").rpartition("/")[2] or headers.get(
        "Content-Length", "0"
    )
    modified = headers.get("Last-Modified")
    modified_s = 0 if modified is None else int(parsedate_to_datetime(modified).timestamp())
    return ObjectStat(key, int(size_bytes), _bare_etag(headers.get("ETag")), modified_s)


def _refuse(key: str, status: int, answer: bytes) -> NoReturn:
    match = _CODE.search(answer)
    code = match[1].decode() if match else str(status)
    if code in _FULL or status == _INSUFFICIENT_STORAGE:
        raise ObjectsFull(
            "the object store takes nothing more, {key} was refused: {code}", key=key, code=code
        )
    if code in _ABSENT:
        raise NotFound("the object store has no bucket for {key}", key=key)
    raise ObjectsUnavailable("the object store refused {key}: {code}", key=key, code=code)


def _bare_etag(etag: str | None) -> str:
    return (etag or "").strip('"')


@contextmanager
def _writing(what: str) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        if error.code in _FULL or error.response.status == _INSUFFICIENT_STORAGE:
            raise ObjectsFull(
                "the object store takes nothing more, {request} was refused: {code}",
                request=what,
                code=error.code,
            ) from error
        raise


@contextmanager
def _mapped(what: str) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        if error.code in _ABSENT:
            raise NotFound("the object store has no {request}", request=what) from error
        raise ObjectsUnavailable(
            "the object store refused {request}: {code}", request=what, code=error.code
        ) from error
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        raise ObjectsUnavailable(
            "the object store cannot be reached for {request}: {error}", request=what, error=error
        ) from error
    except ValueError as error:
        raise ObjectsUnavailable(
            "the object store cannot be asked for {request}: {error}", request=what, error=error
        ) from error
