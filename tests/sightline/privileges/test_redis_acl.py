"""Each user of a real Valkey may do what its processes need, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from domain.errors import IndexUnavailable
from sightline.privileges.__main__ import files
from sightline.privileges.redis_acl import CONNECTION_COMMANDS, DATA_COMMANDS, RIGHTS
from sightline.privileges.store_secrets import valkey_url
from sightline.privileges.store_users import StoreUser
from storage.clients.redis import Redis, Script, connect, texts
from tests.conftest import STORE_SECRETS
from tests.test_stored_keys import ROOT, built_redis_keys

ONLY_COMMANDS = {"{rebuild}:done", "{rebuild}:gone"}
"""The keys that only a command writes."""


@pytest.fixture
def administrator(valkey_server: str) -> Iterator[Redis]:
    redis = connect(valkey_server)
    redis.do("FLUSHALL")
    yield redis
    redis.close()


@pytest.fixture
def users(valkey_server: str) -> Iterator[dict[StoreUser, Redis]]:
    port = int(valkey_server.rpartition(":")[2].partition("/")[0])
    clients = {user: connect(valkey_url(port, STORE_SECRETS, user)) for user in StoreUser}
    yield clients
    for client in clients.values():
        client.close()


NODE, API, COMMANDS = StoreUser.NODE, StoreUser.API, StoreUser.COMMANDS
WRITES_PERSON = "redis.call('HSET', '{people}:records', 'eve', '{}')"
ATTACKS: list[tuple[StoreUser, tuple[str | int, ...]]] = [
    (NODE, ("HSET", "{people}:records", "eve", "{}")),
    (NODE, ("HSET", "{people}:tokens", "0" * 64, "eve")),
    (NODE, ("DEL", "{people}:records")),
    (NODE, ("EVAL", WRITES_PERSON, 1, "{watches}")),
    (NODE, ("SET", "{requests}:answer:x", "{}")),
    (NODE, ("SET", "{sessions}:record:x", "{}")),
    (NODE, ("DEL", "{sign_in}:failures:x")),
    (NODE, ("SET", "{corrections}:turn:x", "node")),
    (NODE, ("SET", "{registry}:applied", 99)),
    (NODE, ("SET", "{rebuild}:done", "x")),
    (NODE, ("SET", "anything", "x")),
    (API, ("HSET", "{leases}:held", "gate", "9 evil")),
    (API, ("SET", "{state}:gate", "{}")),
    (API, ("HDEL", "{alarms}:nodes", "node-1")),
    (API, ("XADD", "{watches}:items", "*", "x", "y")),
    (API, ("SET", "{watches}:position", 1)),
    (API, ("EVAL", "redis.call('HSET', '{leases}:held', 'gate', 'x')", 1, "{feed}")),
    (API, ("SET", "{retention}:turn", "api")),
    *((user, ("KEYS", "*")) for user in StoreUser),
    *((user, ("SCAN", 0)) for user in StoreUser),
    *((user, ("FLUSHALL",)) for user in StoreUser),
    *((user, ("CONFIG", "GET", "dir")) for user in StoreUser),
    *((user, ("ACL", "LIST")) for user in StoreUser),
    *((user, ("CLIENT", "LIST")) for user in StoreUser),
    *((user, ("MONITOR",)) for user in StoreUser),
    *((user, ("SCRIPT", "FLUSH")) for user in StoreUser),
]  # fmt: skip


@pytest.mark.parametrize(("user", "command"), ATTACKS)
def test_a_command_beyond_the_rights_is_refused(
    users: dict[StoreUser, Redis],
    administrator: Redis,
    user: StoreUser,
    command: tuple[str | int, ...],
) -> None:
    with pytest.raises(IndexUnavailable, match=r"permission|ACLs|acl"):
        users[user].do(*command)
    if command[0] != "MONITOR":
        administrator.do(*command)  # the command itself is valid


ALLOWED: list[tuple[StoreUser, tuple[str | int, ...]]] = [
    (NODE, ("HKEYS", "{people}:records")),
    (NODE, ("HSET", "{leases}:held", "gate", "1 node-1")),
    (NODE, ("ZADD", "{feed}:items", 1, "x")),
    (NODE, ("HVALS", "{watches}:active")),
    (NODE, ("GET", "{registry}:applied")),
    (API, ("SET", "{registry}:applied", 1)),
    (API, ("HSET", "{people}:records", "li", "{}")),
    (API, ("SET", "{requests}:answer:x", "{}")),
    (API, ("HGET", "{leases}:held", "gate")),
    (API, ("GET", "{archive}:version")),
    (COMMANDS, ("HSET", "{people}:records", "li", "{}")),
    (COMMANDS, ("DEL", "{rebuild}:done", "{rebuild}:gone")),
]  # fmt: skip


@pytest.mark.parametrize(("user", "command"), ALLOWED)
def test_a_command_within_the_rights_works(
    users: dict[StoreUser, Redis], user: StoreUser, command: tuple[str | int, ...]
) -> None:
    users[user].do(*command)


@pytest.mark.parametrize("user", StoreUser)
def test_a_script_runs_and_a_transaction_is_atomic(
    users: dict[StoreUser, Redis], administrator: Redis, user: StoreUser
) -> None:
    script = Script("return redis.call('TIME')[1]", "{watches}", ())
    assert int(users[user].run_all([script])[0]) > 0  # type: ignore[call-overload]
    users[user].do_all([("HLEN", "{watches}:active"), ("PING",)], atomic=True)


def test_a_user_without_the_password_is_refused(valkey_server: str) -> None:
    for user in StoreUser:
        stranger = connect(valkey_server.replace("redis://:", f"redis://{user}:"))
        with pytest.raises(IndexUnavailable, match="invalid username-password"):
            stranger.ping()
        stranger.close()


def _is_covered(key: str, patterns: tuple[str, ...]) -> bool:
    # A hash tag has no special character for Redis' patterns; placeholders stand for any text.
    return any(fnmatchcase(key.replace("<>", "x"), pattern) for pattern in patterns)


def test_every_key_that_is_built_is_written_by_a_node_an_api_or_only_by_commands() -> None:
    """A new key needs an entry in `redis_acl.py`, or its processes would be refused."""
    writers = RIGHTS[NODE].writes + RIGHTS[API].writes
    built = {re.sub(r"<[^>]*>", "<>", key) for key in built_redis_keys()} | {"{e3}:p", "{e3}"}
    uncovered = {key for key in built if not _is_covered(key, writers)}
    assert uncovered == ONLY_COMMANDS


def test_every_pattern_covers_a_key_that_is_built() -> None:
    built = {key.replace("<>", "x") for key in built_redis_keys()}
    for rights in (RIGHTS[NODE], RIGHTS[API]):
        for pattern in rights.writes + rights.reads:
            is_script = pattern.endswith(":never") or re.fullmatch(r"\{[a-z]+\}", pattern)
            assert (
                is_script or pattern == "{e*}*" or any(fnmatchcase(key, pattern) for key in built)
            ), pattern


def test_every_command_that_the_code_sends_is_allowed(administrator: Redis) -> None:
    """Words in upper case are commands if the server knows them."""
    known = set(texts(administrator.do("COMMAND LIST")))
    sent: set[str] = set()
    for folder, suffix in (("storage", "py"), ("storage", "lua"), ("sightline", "py")):
        for file in (ROOT / folder).rglob(f"*.{suffix}"):
            sent |= set(re.findall(r"\(\s*[\"']([A-Z]{3,})[\"']", file.read_text("utf-8")))
    sent = {command.lower() for command in sent} & known
    assert len(sent) > 30
    assert sent <= set(DATA_COMMANDS + CONNECTION_COMMANDS)
    assert set(DATA_COMMANDS) - sent <= {"multi", "exec", "discard"}  # sent by redis-py


def test_no_command_lists_keys_or_changes_the_server() -> None:
    forbidden = {
        "keys",
        "scan",
        "flushall",
        "flushdb",
        "config",
        "acl",
        "debug",
        "shutdown",
        "monitor",
        "script",
        "function",
        "replicaof",
        "slaveof",
        "module",
        "save",
    }
    assert not forbidden & {name.partition("|")[0] for name in DATA_COMMANDS + CONNECTION_COMMANDS}


def test_the_files_for_other_sites_are_current() -> None:
    for name, text in files().items():
        assert (ROOT / "deploy" / name).read_text("utf-8") == text, (
            "python -m sightline.privileges deploy"
        )


def test_the_file_for_other_sites_loads_and_lets_nobody_in(
    administrator: Redis, tmp_path: Path
) -> None:
    """Its users have no password, so each needs one first."""
    text = files()["redis/users.acl"]
    assert "user default reset off" in text
    assert "nopass" not in text
    assert not re.search(r" [>#]", text)
    for line in text.splitlines()[1:]:
        _, name, *rules = line.split()
        administrator.do("ACL", "SETUSER", f"test-{name}", *rules)
        administrator.do("ACL", "DELUSER", f"test-{name}")
