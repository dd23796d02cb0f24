"""Every place that makes a message names its template and gives its parts."""

from __future__ import annotations

from domain.messages.message import names_in
from tests.message_templates import Composed, found_in, made_in

FOLDERS = ("domain", "storage", "ingest", "analytics", "api", "sightline", "simulator")
_WITHOUT_PARTS = {"ValueError"}
"""What is not made with parts; where it needs some, it is given a message."""
_OF_ERRORS = {"NodeOffline": {"node"}}
"""The parts that an error has by itself: `node` may be its second argument."""


_VAGUE = frozenset(("one", "what", "noun", "said", "context", "nothing", "thing", "where"))
"""Names of parts that do not say what is filled in, so that a translator would have to guess."""


def test_the_name_of_a_part_says_what_it_is() -> None:
    made = made_in(*FOLDERS)
    assert sorted({str(one) for one in made if _VAGUE & set(names_in(one.template))}) == []


def test_no_template_is_put_together() -> None:
    """A sentence with data in its template cannot be looked up in another language."""
    composed = [
        one
        for folder in FOLDERS
        for one in found_in(folder)
        if isinstance(one, Composed) and one.kind not in _WITHOUT_PARTS
    ]
    assert composed == []


def test_each_part_of_a_template_is_given() -> None:
    made = [one for one in made_in(*FOLDERS) if one.kind not in _WITHOUT_PARTS]
    assert len(made) > 700
    # The part `node` may be the second argument of the error.
    lacking = [
        str(one)
        for one in made
        if set(names_in(one.template))
        - one.parts
        - ({"node"} if one.kind == "NodeOffline" else set())
    ]
    assert lacking == []
