"""The adapter for Redis (or Valkey), one server or a cluster: typed calls, and errors of
`domain.errors`. Only this module imports `redis`.

Neither KEYS nor SCAN is ever sent, and no read is unbounded. Keys that change together share a hash
tag, so that a cluster works.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import redis
from redis._parsers.commands import CommandPolicies, RequestPolicy, ResponsePolicy
from redis.backoff import ConstantBackoff, NoBackoff
from redis.cluster import ClusterNode
from redis.commands.policies import STATIC_POLICIES
from redis.exceptions import NoScriptError, RedisClusterException
from redis.retry import Retry

from domain.errors import IndexUnavailable
from storage.clients.circuit_breaker import CircuitBreaker

Word = str | int | bytes
Command = tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script to run in the server; every key that it uses has the hash tag of `key`."""

    text: str
    key: str
    arguments: tuple[Word, ...]


Reply = object
"""An answer of Redis: int, str, None, float or a list of these; `texts` and `number` narrow it."""

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 5.0
CLUSTER = "+cluster"
_NEVER = ":never"
"""The suffix of a second key that never exists. While a slot moves key by key, either node has only
a part of a script's keys. A node refuses a script with a missing key (`TRYAGAIN`), so that it runs
on neither until the slot has moved.
"""
_PORT = 6379
_TIMES: dict[str, Any] = {
    "decode_responses": True,
    "socket_connect_timeout": CONNECT_TIMEOUT_S,
    "socket_timeout": ANSWER_TIMEOUT_S,
}
_KEYED = CommandPolicies(
    request_policy=RequestPolicy.DEFAULT_KEYED, response_policy=ResponsePolicy.DEFAULT_KEYED
)


STATIC_POLICIES["core"] |= {"eval": _KEYED, "evalsha": _KEYED}
"""Else redis-py asks one certain node for the keys of each script of a pipeline: a round trip
each, and none works once it is dead.
"""
_Client = redis.Redis | redis.RedisCluster


class Redis:
    """Connections to one server or to a cluster. It is thread-safe.

    Every call raises IndexUnavailable if the server is unreachable or refuses.
    """

    def __init__(
        self, open_: Callable[[], _Client], url: str = "", ca_file: Path | None = None
    ) -> None:
        self._open = open_
        self._url = url
        self._ca_file = ca_file
        self._opened: _Client | None = None
        self._opening = threading.Lock()
        self._breaker = CircuitBreaker()

    def __reduce__(self) -> tuple[object, tuple[str, Path | None]]:
        """Pickle as a client of the same server, which opens its own connections in the other
        process.
        """
        return connect, (self._url, self._ca_file)

    @property
    def _client(self) -> _Client:
        """The client, opened by the first call: opening a cluster reads its topology."""
        with self._opening:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def do(self, *command: Word) -> Reply:
        """Send one command and return its answer."""
        with self._guarded():
            # The type of a union of clients does not say that it is excluded from this rule.
            answer: Reply = self._client.execute_command(*command)  # type: ignore[no-untyped-call]
            return answer

    def do_all(self, commands: Sequence[Command], atomic: bool = False) -> list[Reply]:
        """Send several commands in one round trip; with `atomic`, all or none (MULTI). Raises if
        any of them failed.
        """
        if not commands:
            return []
        with self._guarded(), self._client.pipeline(transaction=atomic) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return list(pipe.execute())

    def run_all(self, scripts: Sequence[Script]) -> list[object]:
        """Run several scripts in one round trip, each completely or not at all; their answers hold
        bytes, not text.

        They are sent by their hashes. A script that the server does not know (`NOSCRIPT`) has not
        run, and is sent in full.
        """
        if not scripts:
            return []
        with self._guarded():
            answers = self._answers(
                [("EVALSHA", _sha1(script.text)) for script in scripts], scripts
            )
            unknown = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            texts_of = [scripts[i] for i in unknown]
            for i, answer in zip(
                unknown,
                self._answers([("EVAL", script.text) for script in texts_of], texts_of),
                strict=True,
            ):
                answers[i] = answer
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            return answers

    def values(self, groups: Sequence[Sequence[str]]) -> list[list[bytes | None]]:
        """Return the value of each key, as bytes, in one round trip; the keys of a group have one
        hash tag.
        """
        asked = [group for group in groups if group]
        with self._guarded(), self._client.pipeline(transaction=False) as pipe:
            for group in asked:
                pipe.execute_command("MGET", *group, NEVER_DECODE=True)
            found = iter(pipe.execute() if asked else ())
        return [next(found) if group else [] for group in groups]

    def _answers(self, words: Sequence[tuple[str, str]], scripts: Sequence[Script]) -> list[object]:
        """Return the answer of each script, which is an exception if it failed."""
        if not scripts:
            return []
        with self._client.pipeline(transaction=False) as pipe:
            for (how, what), script in zip(words, scripts, strict=True):
                pipe.execute_command(
                    how,
                    what,
                    2,
                    script.key,
                    script.key + _NEVER,
                    *script.arguments,
                    NEVER_DECODE=True,
                )
            return list(pipe.execute(raise_on_error=False))

    def ping(self) -> None:
        """Raises IndexUnavailable unless the server answers."""
        self.do("PING")

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        refusal = IndexUnavailable(
            "Redis did not answer its last call, so it is not asked meanwhile"
        )
        with (
            _mapped(),
            self._breaker.guard(
                refusal, (redis.ConnectionError, redis.TimeoutError, RedisClusterException)
            ),
        ):
            yield


def connect(url: str, ca_file: Path | None = None) -> Redis:
    """Return a client of `redis://` or `rediss://` `url`, or of a cluster: `redis+cluster://` with
    the addresses of some of its nodes, separated by commas.

    It connects on first use, and again after the server was unreachable. With `rediss`, the
    server's certificate and name are verified against `ca_file`, or else the system's authorities.
    """
    try:
        if any(name.startswith("ssl_") for name, _ in parse_qsl(urlsplit(url).query)):
            raise IndexUnavailable(
                "SIGHTLINE_REDIS_URL has a parameter ssl_…; the certificate of Redis is always "
                "verified, and SIGHTLINE_REDIS_CA names the file of its authority"
            )
        tls = {} if ca_file is None else {"ssl_ca_certs": str(ca_file)}
        is_cluster = CLUSTER in url.partition("://")[0]
        client = _cluster(url, tls) if is_cluster else _single(url, tls)
    except ValueError:
        # The cause is left out: it repeats parts of the address, which may be of its password.
        raise IndexUnavailable(
            "SIGHTLINE_REDIS_URL is not an address of Redis; write "
            "redis://user:password@host:port, "
            "and percent-encode /, ?, # and @ of a password"
        ) from None
    return Redis(client, url, ca_file)


def _single(url: str, tls: Mapping[str, Any]) -> Callable[[], redis.Redis]:
    if not url.startswith("rediss://"):
        tls = {}
    # One retry on a fresh connection: those in the pool are dead after the server restarted.
    client = redis.Redis.from_url(url, **_TIMES, **tls, retry=Retry(NoBackoff(), 1))
    return lambda: client


def _cluster(url: str, tls: Mapping[str, Any]) -> Callable[[], redis.RedisCluster]:
    """Return a function that opens a client of the cluster; one reachable address is enough to find
    the others.
    """
    parts = urlsplit(url.replace(CLUSTER, "", 1))
    login, _, addresses = parts.netloc.rpartition("@")
    hosts = [urlsplit(f"//{address}") for address in addresses.split(",")]
    nodes = [ClusterNode(host.hostname or "", host.port or _PORT) for host in hosts]
    if not all(host.hostname for host in hosts):
        raise ValueError("a cluster's address is host:port, or some of these with commas between")
    words = dict(zip(("username", "password"), login.split(":", 1), strict=False)) if login else {}
    known: dict[str, Any] = {name: unquote(word) for name, word in words.items() if word}
    known |= _TIMES | ({"ssl": True, **tls} if parts.scheme == "rediss" else {"ssl": False})
    return lambda: redis.RedisCluster(
        startup_nodes=nodes,
        require_full_coverage=False,
        retry=Retry(ConstantBackoff(0.05), 3),
        **known,
    )


@cache
def _sha1(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


def texts(reply: Reply) -> list[str]:
    """Return a list of strings. Raises TypeError for any other answer."""
    if not isinstance(reply, list):
        raise TypeError(f"Redis answered {type(reply).__name__} where a list was due")
    return [str(item) for item in reply]


def maybe_texts(reply: Reply) -> list[str | None]:
    """Return a list of strings and None, as MGET and HMGET answer."""
    if not isinstance(reply, list):
        raise TypeError(f"Redis answered {type(reply).__name__} where a list was due")
    return [None if item is None else str(item) for item in reply]


def text(reply: Reply) -> str | None:
    return None if reply is None else str(reply)


def number(reply: Reply) -> int:
    if not isinstance(reply, int):
        raise TypeError(f"Redis answered {type(reply).__name__} where a number was due")
    return reply


def whole(value: bytes | str) -> int:
    """Return a number that is stored as text. Raises IndexUnavailable for any other text."""
    try:
        return int(value)
    except ValueError as error:
        raise IndexUnavailable("Redis has a text where a number was stored") from error


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, RedisClusterException) as error:
        raise IndexUnavailable("Redis: {error}", error=error) from error
    except UnicodeDecodeError as error:
        raise IndexUnavailable("Redis has bytes where a text was stored") from error
