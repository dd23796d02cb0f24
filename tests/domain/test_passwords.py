"""Passwords: what is accepted, and that a hash belongs to one password."""

from __future__ import annotations

import pytest

from domain.errors import BadInput, DataLoss
from domain.passwords import MAX_CHARACTERS, HashCost, PasswordHasher, check_password

CHEAP = HashCost(memory_mb=19, passes=2)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "七个字不够但十二个字已经足够了吧",
        "p4ssword-p4ssword",
        "a b c d e f g",
    ],
)
def test_a_long_password_is_accepted_whatever_its_characters(password: str) -> None:
    check_password("li.wei", password)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "0 characters"),
        ("elevenchars", "11 characters"),
        ("x" * (MAX_CHARACTERS + 1), "at most"),
        ("aaaaaaaaaaaaaaa", "different"),
        ("ababababababab", "different"),
        ("wang.xiaofang1", "the name"),
        ("Wang.XiaoFang!Wang.XiaoFang", "the name"),
    ],
)
def test_a_weak_password_is_refused(password: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        check_password("wang.xiaofang", password)


def test_a_hash_belongs_to_one_password() -> None:
    hasher = PasswordHasher(CHEAP)
    password_hash = hasher.hash("correct horse battery")
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.hash("correct horse battery") != password_hash
    assert hasher.is_right(password_hash, "correct horse battery")
    assert not hasher.is_right(password_hash, "correct horse batterx")
    assert not hasher.is_right(None, "correct horse battery")
    with pytest.raises(DataLoss, match="set the password again"):
        hasher.is_right("no hash", "correct horse battery")


def test_two_forms_of_one_text_are_one_password() -> None:
    hasher = PasswordHasher(CHEAP)
    assert hasher.is_right(hasher.hash("caf\u00e9 au lait, ｆｕｌｌ"), "cafe\u0301 au lait, full")


def test_a_hash_of_another_cost_is_outdated() -> None:
    cheap, dear = PasswordHasher(CHEAP), PasswordHasher(HashCost(memory_mb=20, passes=3))
    password_hash = cheap.hash("correct horse battery")
    assert not cheap.is_outdated(password_hash)
    assert dear.is_outdated(password_hash)
    assert dear.is_right(password_hash, "correct horse battery")
