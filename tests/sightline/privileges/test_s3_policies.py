"""Each user of a real SeaweedFS reads, writes and deletes what its policy allows, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest

from domain.errors import ObjectsUnavailable
from domain.paths import object_keys
from sightline.privileges.store_users import StoreUser
from storage.clients.s3 import ObjectStore
from tests.conftest import STORE_SECRETS
from tests.test_stored_keys import BUILT_OBJECTS, EVENT_ID, EXAMPLES

if TYPE_CHECKING:
    from tests.conftest import S3Config

NODE, API, COMMANDS = StoreUser.NODE, StoreUser.API, StoreUser.COMMANDS
EXPECTED = {
    object_keys.EVENTS_PREFIX: ("rwd", "r"),
    object_keys.JOURNAL_PREFIX: ("rwd", "r"),
    object_keys.RECORDINGS_PREFIX: ("rwd", "r"),
    object_keys.RECORDING_INDEX_PREFIX: ("rwd", "r"),
    object_keys.GAPS_PREFIX: ("rwd", "r"),
    object_keys.NODE_GAPS_PREFIX: ("rwd", "r"),
    object_keys.ARCHIVE_PREFIX: ("rwd", "r"),
    object_keys.AUDIT_PREFIX: ("rwd", "rw"),
    object_keys.AUDIT_WRITERS_PREFIX: ("rwd", "rw"),
    object_keys.PEOPLE_PREFIX: ("r", "rw"),
    object_keys.HOLDS_PREFIX: ("r", "rw"),
    object_keys.CASES_PREFIX: ("r", "rw"),
    object_keys.APPROVALS_PREFIX: ("r", "rw"),
    object_keys.EMERGENCIES_PREFIX: ("r", "rw"),
    object_keys.EXPORTS_PREFIX: ("r", "rw"),
    object_keys.SAVED_VIEWS_PREFIX: ("", "rw"),
    object_keys.WATCHES_PREFIX: ("rw", "rw"),
    object_keys.REGISTRY_PREFIX: ("r", "rw"),
    object_keys.SITE_OBJECT: ("rw", "rw"),
}
"""By the beginning of a key: what a node may do, and what an API may do."""
CORRECTIONS = {
    object_keys.correction_object("gate", EVENT_ID, 1),
    object_keys.correction_journal_object(
        *EXAMPLES[object_keys.correction_journal_object]  # type: ignore[arg-type]
    ),
}
"""What an API may write in addition."""


def _expected(user: StoreUser, key: str) -> str:
    if user is COMMANDS:
        return "rwd"
    (rights,) = (rights for prefix, rights in EXPECTED.items() if key.startswith(prefix))
    return "rw" if user is API and key in CORRECTIONS else rights[0 if user is NODE else 1]


def _open(config: S3Config, access_key: str, secret_key: str) -> ObjectStore:
    return ObjectStore(config.endpoint, access_key, secret_key, "sightline")


@pytest.fixture(scope="module")
def administrator(s3_server: S3Config) -> Iterator[ObjectStore]:
    store = _open(s3_server, s3_server.access_key, s3_server.secret_key)
    store.ensure_bucket()
    yield store
    for key in BUILT_OBJECTS:
        store.delete(key)
    store.close()


@pytest.fixture(scope="module")
def users(
    s3_server: S3Config, administrator: ObjectStore
) -> Iterator[dict[StoreUser, ObjectStore]]:
    stores = {user: _open(s3_server, *STORE_SECRETS.s3_credentials(user)) for user in StoreUser}
    yield stores
    for store in stores.values():
        store.close()


def _works(action: Callable[[], object]) -> bool:
    try:
        action()
    except ObjectsUnavailable as error:
        if "AccessDenied" not in str(error):
            raise
        return False
    return True


@pytest.mark.parametrize("key", BUILT_OBJECTS)
def test_each_user_may_do_with_a_key_what_its_processes_need(
    users: dict[StoreUser, ObjectStore], administrator: ObjectStore, key: str
) -> None:
    for user, store in users.items():
        administrator.put(key, b"x", "text/plain")
        rights = "r" if _works(partial(store.get, key)) else ""
        rights += "w" if _works(partial(store.put, key, b"y", "text/plain")) else ""
        rights += "d" if _works(partial(store.delete, key)) else ""
        assert rights == _expected(user, key), (user, key)


@pytest.mark.parametrize("user", [NODE, API])
@pytest.mark.parametrize("key", ["unknown", "state/unknown", "recordings", "state/people"])
def test_a_key_that_nobody_declared_is_refused(
    users: dict[StoreUser, ObjectStore], administrator: ObjectStore, user: StoreUser, key: str
) -> None:
    store = users[user]
    assert not _works(lambda: store.put(key, b"y", "text/plain"))
    assert not _works(lambda: store.get(key))
    assert _works(lambda: administrator.put(key, b"y", "text/plain"))
    administrator.delete(key)


@pytest.mark.parametrize("user", StoreUser)
def test_every_user_may_list_and_finds_the_bucket(
    users: dict[StoreUser, ObjectStore], administrator: ObjectStore, user: StoreUser
) -> None:
    administrator.put("state/people/li/0000000001.json", b"{}", "text/plain")
    users[user].ensure_bucket()
    users[user].ping()
    assert "li" in users[user].folders("state/people/")
    assert users[user].stat("events/none") is None


@pytest.mark.parametrize("user", StoreUser)
def test_another_bucket_is_refused(
    users: dict[StoreUser, ObjectStore], s3_server: S3Config, user: StoreUser
) -> None:
    other = ObjectStore(s3_server.endpoint, *STORE_SECRETS.s3_credentials(user), "another-bucket")
    with pytest.raises(ObjectsUnavailable, match="AccessDenied"):
        other.ensure_bucket()
    other.close()


def test_an_upload_in_several_parts_works(
    users: dict[StoreUser, ObjectStore], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("upload") / "segment"
    file.write_bytes(bytes(20 << 20))
    key = object_keys.event_object("gate", EVENT_ID, object_keys.CLIP)
    assert users[NODE].put_file(key, file, "video/mp4").size_bytes == 20 << 20
    with pytest.raises(ObjectsUnavailable):
        users[API].put_file(key, file, "video/mp4")


def test_a_user_with_a_wrong_key_is_refused(s3_server: S3Config) -> None:
    for user in StoreUser:
        stranger = _open(s3_server, user, "guessed")
        with pytest.raises(ObjectsUnavailable):
            stranger.list("").__next__()
        stranger.close()
