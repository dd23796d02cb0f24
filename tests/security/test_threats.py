"""docs/threats.md lists exactly the attack tests that exist, and each attacker names its tests."""

from __future__ import annotations

import re

from tests.security.attack_index import PAGE, attack_files, attacks_of, with_index

TEXT = PAGE.read_text("utf-8")


def test_every_attack_test_is_listed() -> None:
    assert with_index(TEXT) == TEXT, "run  python -m tests.security.attack_index"
    assert sum(len(attacks_of(name)) for name in attack_files()) >= 40


def test_every_attacker_names_its_protection_what_remains_and_its_tests() -> None:
    attackers = TEXT.partition("## Attackers\n")[2].partition("\n## ")[0]
    sections = re.split(r"^### ", attackers, flags=re.MULTILINE)[1:]
    assert len(sections) >= 7
    known = {name.rpartition("/")[2] for name in attack_files()}
    for section in sections:
        assert "\nProtection: " in section, section[:40]
        assert "\nWhat remains: " in section, section[:40]
        named = re.findall(r"`(test_\w+\.py)`", section.partition("\nTests: ")[2])
        assert named or "\nTests: none." in section, section[:40]
        assert set(named) <= known, section[:40]
