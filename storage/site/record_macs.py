"""The HMAC of a stored record, so that a program without the key cannot write a valid one.

The HMAC-SHA256 covers the canonical form of the record: its fields except `mac`, as JSON with
sorted keys and without spaces, after a prefix that names the kind of record.
"""

from __future__ import annotations

import hashlib
import hmac
import json

from domain.stored_model import StoredModel


def record_text(record: StoredModel) -> str:
    """Return the record as JSON with exactly the fields that it was read with."""
    return record.model_dump_json(by_alias=True, exclude_unset=True)


def record_mac(record: StoredModel, key: bytes, prefix: bytes) -> str:
    fields = json.loads(record_text(record))
    fields.pop("mac", None)
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, prefix + canonical.encode(), hashlib.sha256).hexdigest()


def is_mac_of(mac: str, record: StoredModel, key: bytes, prefix: bytes) -> bool:
    return hmac.compare_digest(mac.encode(), record_mac(record, key, prefix).encode())
