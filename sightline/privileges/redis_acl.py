"""Which keys and commands of Redis or Valkey each user may use.

One-machine mode gives its own Valkey these rules. `deploy/redis/users.acl` has the same for other
sites; `python -m sightline.privileges deploy` writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sightline.privileges.store_users import StoreUser

DATA_COMMANDS = (
    "get", "mget", "set", "del", "append", "strlen", "getrange", "setrange", "incr", "incrby",
    "decrby", "setbit", "bitcount", "bitop", "bitpos", "expire", "pexpire",
    "hget", "hmget", "hgetall", "hkeys", "hvals", "hlen", "hexists", "hset", "hsetnx", "hdel",
    "hincrby",
    "zadd", "zrem", "zrange", "zrevrange", "zrangebyscore", "zrevrangebyscore",
    "zremrangebyscore", "zremrangebyrank",
    "lpush", "rpush", "lpop", "ltrim", "lrange", "llen", "xadd", "xrange",
    "time", "eval", "evalsha", "multi", "exec", "discard",
)  # fmt: skip
"""None of them lists keys or changes the server."""
CONNECTION_COMMANDS = (
    "ping", "auth", "hello", "select", "client|setinfo", "client|setname", "command",
    "cluster|slots", "cluster|shards", "cluster|nodes", "readonly", "readwrite", "asking",
)  # fmt: skip
"""The commands with which a client opens a connection, also to a cluster."""


@dataclass(frozen=True, slots=True)
class KeyRights:
    """The keys of a user, by patterns."""

    writes: tuple[str, ...]
    """Keys that it reads and writes."""
    reads: tuple[str, ...] = ()
    """Keys that it only reads."""


def _script(tag: str) -> tuple[str, str]:
    """Return the two keys that a script on a tag names.

    They never exist. Redis checks each key that a script uses.
    """
    return tag, f"{tag}:never"


RIGHTS = {
    StoreUser.NODE: KeyRights(
        writes=(
            "{e*}*", "{impossible}:*", "{damaged}:objects", "{corrections}:by_event", "{feed}*",
            "{archive}:*", "{retention}:turn", "{store_room}:turn", "{leases}:*", "{nodes}:*",
            "{alarms}:nodes", "{state}:*", "{site}:*",
            "{watches}*", "{coverage}:*",
        ),
        reads=("{people}:*", "{registry}:*"),
    ),
    StoreUser.API: KeyRights(
        writes=(
            "{e*}*", "{impossible}:*", "{damaged}:*", "{corrections}:*", "{people}:*",
            "{requests}:*", "{recording_exports}:*", "{sessions}:*", "{sign_in}:*", "{registry}:*",
            "{site}:*", "{nodes}:*", "{feed}*", "{watches}:active", "{watches}:version",
            *_script("{watches}"),
        ),
        reads=(
            "{watches}:items", "{watches}:last", "{watches}:dead", "{watches}:deliveries",
            "{archive}:*", "{leases}:*", "{alarms}:nodes", "{state}:*", "{coverage}:*",
        ),
    ),
    StoreUser.COMMANDS: KeyRights(writes=("*",)),
}  # fmt: skip
"""A node cannot write people, the number of the registry, idempotent answers and the locks of
corrections. It writes watches, because it ends those whose time has passed. An API cannot write
leases, states, alarms, matches and the progress of jobs. The commands rebuild everything.
"""


def acl_file(passwords: Mapping[StoreUser, str], administrator: str | None = None) -> str:
    """Return the text of an ACL file.

    A user without a password cannot log in until it gets one. `default` is off, or with a password
    an administrator.
    """
    default = "off" if administrator is None else f"on >{administrator} ~* &* +@all"
    lines = [f"user default reset {default}"]
    lines += [_acl_line(user, passwords.get(user)) for user in StoreUser]
    return "\n".join(lines) + "\n"


def _acl_line(user: StoreUser, password: str | None) -> str:
    rights = RIGHTS[user]
    words = ["user", user, "reset", "on", *([] if password is None else [f">{password}"])]
    words += [f"~{key}" for key in rights.writes] + [f"%R~{key}" for key in rights.reads]
    words += ["-@all", *(f"+{name}" for name in (*DATA_COMMANDS, *CONNECTION_COMMANDS))]
    return " ".join(words)
