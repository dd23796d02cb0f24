"""The key that authenticates the records of people: a setting, or a file of the data folder."""

from __future__ import annotations

import secrets

from pydantic import Field

from domain.paths.data_layout import Layout
from domain.settings import Settings
from domain.stored_model import StoredModel
from sightline.processes.private_files import write_atomically
from storage.site.people import People

_KEY_BYTES = 32


class PeopleKeyFile(StoredModel):
    """The file `people-key.json` of a data folder."""

    key: str = Field(repr=False)
    is_older_signed: bool = False
    """Whether the records of versions before the key were signed. This is done once."""


def people_key(settings: Settings, layout: Layout) -> bytes:
    """Return the key of the site. One-machine mode generates it at first use."""
    if settings.people_key is not None:
        return settings.people_key.get_secret_value().encode()
    return _key_file(layout).key.encode()


def sign_older_people(people: People, settings: Settings, layout: Layout) -> tuple[str, ...]:
    """Sign the people of an older version at the first start with a key; return their names.

    With a key in the settings, `sightline user sign` does it: only there is it known that no other
    program wrote the records.
    """
    if settings.people_key is not None:
        return ()
    file = _key_file(layout)
    if file.is_older_signed:
        return ()
    names = people.sign_older()
    done = file.model_copy(update={"is_older_signed": True})
    write_atomically(layout.people_key, done.model_dump_json())
    return names


def _key_file(layout: Layout) -> PeopleKeyFile:
    if not layout.people_key.exists():
        made = PeopleKeyFile(key=secrets.token_urlsafe(_KEY_BYTES))
        write_atomically(layout.people_key, made.model_dump_json())
    return PeopleKeyFile.model_validate_json(layout.people_key.read_text())
