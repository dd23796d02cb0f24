"""Which objects each user of the object store may read, write and delete.

The policies are IAM policies, which AWS, MinIO and SeaweedFS evaluate. One-machine mode gives its
own SeaweedFS these policies. `deploy/s3/` has the same for other sites;
`python -m sightline.privileges deploy` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from domain.paths.object_keys import (
    APPROVALS_PREFIX,
    ARCHIVE_PREFIX,
    AUDIT_PREFIX,
    AUDIT_WRITERS_PREFIX,
    CASES_PREFIX,
    CORRECTED,
    EMERGENCIES_PREFIX,
    EVENTS_PREFIX,
    EXPORTS_PREFIX,
    GAPS_PREFIX,
    HOLDS_PREFIX,
    JOURNAL_PREFIX,
    NODE_GAPS_PREFIX,
    PEOPLE_PREFIX,
    RECORDING_INDEX_PREFIX,
    RECORDINGS_PREFIX,
    REGISTRY_PREFIX,
    SAVED_VIEWS_PREFIX,
    SITE_OBJECT,
    WATCHES_PREFIX,
)
from sightline.privileges.store_users import StoreUser

_READ = ("s3:GetObject",)
_WRITE = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
_DELETE = ("s3:DeleteObject",)
_BUCKET = ("s3:ListBucket", "s3:GetBucketLocation", "s3:CreateBucket")


@dataclass(frozen=True, slots=True)
class ObjectRights:
    """The objects of a user, by patterns of their keys."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    deletes: tuple[str, ...] = ()


def _below(*prefixes: str) -> tuple[str, ...]:
    return tuple(f"{prefix}*" for prefix in prefixes)


_RETAINED = _below(
    EVENTS_PREFIX, RECORDINGS_PREFIX, RECORDING_INDEX_PREFIX, GAPS_PREFIX, NODE_GAPS_PREFIX,
    JOURNAL_PREFIX, ARCHIVE_PREFIX, AUDIT_PREFIX, AUDIT_WRITERS_PREFIX,
)  # fmt: skip
"""What a node stores, and deletes when it expires."""
_DECISIONS = _below(
    PEOPLE_PREFIX, HOLDS_PREFIX, CASES_PREFIX, APPROVALS_PREFIX, EMERGENCIES_PREFIX, EXPORTS_PREFIX,
)  # fmt: skip
"""What people decide, through the API or a command."""
_OF_API = _below(SAVED_VIEWS_PREFIX)
"""What people save for themselves and each other; no node needs it."""
_APPLIED = _below(REGISTRY_PREFIX)
"""The registries, which scopes, masks, retention and the addresses of cameras follow. A node only
reads them: a stolen one could send the passwords of all cameras to itself.
"""
_SHARED = (*_below(WATCHES_PREFIX), SITE_OBJECT)
"""What nodes write too: a node ends a watch."""

RIGHTS = {
    StoreUser.NODE: ObjectRights(
        reads=(*_RETAINED, *_DECISIONS, *_APPLIED, *_SHARED),
        writes=(*_RETAINED, *_SHARED),
        deletes=_RETAINED,
    ),
    StoreUser.API: ObjectRights(
        reads=(*_RETAINED, *_DECISIONS, *_OF_API, *_APPLIED, *_SHARED),
        writes=(
            f"{EVENTS_PREFIX}*/{CORRECTED}*", f"{JOURNAL_PREFIX}_corrections/*",
            *_below(AUDIT_PREFIX, AUDIT_WRITERS_PREFIX), *_DECISIONS, *_OF_API, *_APPLIED,
            *_SHARED,
        ),
    ),
    StoreUser.COMMANDS: ObjectRights(reads=("*",), writes=("*",), deletes=("*",)),
}  # fmt: skip
"""Only the retention of nodes and the commands delete, and the commands alone delete what people
decided.
"""


def policy(user: StoreUser, bucket: str) -> dict[str, object]:
    """Return the IAM policy of a user."""
    rights = RIGHTS[user]
    statements: list[dict[str, object]] = [_allow(_BUCKET, [_arn(bucket)])]
    for actions, keys in (
        (_READ, rights.reads),
        (_WRITE, rights.writes),
        (_DELETE, rights.deletes),
    ):
        if keys:
            statements.append(_allow(actions, [_arn(bucket, key) for key in keys]))
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(actions: tuple[str, ...], resources: list[str]) -> dict[str, object]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources}


def _arn(bucket: str, key: str = "") -> str:
    return f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"


def seaweedfs_identities(
    credentials: Mapping[StoreUser, tuple[str, str]], administrator: tuple[str, str], bucket: str
) -> str:
    """Return the configuration of SeaweedFS' S3 server, with access key and secret of each user."""
    users = [
        {"name": user, "credentials": [_credential(pair)], "policyNames": [user]}
        for user, pair in credentials.items()
    ]
    policies = [{"name": user, "content": json.dumps(policy(user, bucket))} for user in credentials]
    admin = {"name": "admin", "credentials": [_credential(administrator)], "actions": ["Admin"]}
    return json.dumps({"identities": [admin, *users], "policies": policies})


def _credential(pair: tuple[str, str]) -> dict[str, str]:
    access_key, secret_key = pair
    return {"accessKey": access_key, "secretKey": secret_key}
