"""Derived keys are separate, and encryption binds a secret to its key and its context."""

from __future__ import annotations

import pytest

from domain.derived_keys import SecretCipher, derived_key, keyed_hash
from domain.errors import DataLoss

KEY = b"the people key of a site, or so."


def test_each_purpose_has_a_key_of_its_own() -> None:
    first, second = derived_key(KEY, "first"), derived_key(KEY, "second")
    assert len(first) == 32
    assert first == derived_key(KEY, "first")
    assert len({first, second, derived_key(KEY + b"x", "first")}) == 3
    assert keyed_hash(first, "a") != keyed_hash(second, "a")


def test_a_secret_is_read_with_its_key_and_its_context_only() -> None:
    cipher = SecretCipher(derived_key(KEY, "test"))
    encrypted = cipher.encrypt("秘密", "li.wei")
    assert cipher.decrypt(encrypted, "li.wei") == "秘密"
    assert cipher.encrypt("秘密", "li.wei") != encrypted
    with pytest.raises(DataLoss, match=r"the secret of wang\.fang cannot be decrypted"):
        cipher.decrypt(encrypted, "wang.fang")
    with pytest.raises(DataLoss):
        SecretCipher(derived_key(KEY, "other")).decrypt(encrypted, "li.wei")
    for damaged in ("", "AAAA", "not base64!", encrypted[:-8] + "AAAAAAAA"):
        with pytest.raises(DataLoss):
            cipher.decrypt(damaged, "li.wei")
