"""Saved views: cameras of the live wall by tile, under a name, of one person or shared."""

from __future__ import annotations

from domain.clock import Clock
from domain.derived_keys import derived_key
from domain.errors import BadInput, NotFound, RecordConflict
from domain.messages.message import Message
from domain.paths.object_keys import SAVED_VIEWS_PREFIX
from domain.people import Person
from domain.stored_model import WallNs, schema_field
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import Listing
from storage.site.signed_records import SignedRecord, SignedRecords

MOST_OF_A_PERSON = 50
MOST_OF_THE_SITE = 1_000
MOST_OF_A_DAY = 200
"""The maximum number of views that a person saves on one day (UTC), with the deleted ones, whose
records are kept.
"""
MOST_CHANGES = 1_000
"""The maximum number of versions of a view; each is a record that is kept."""
NO_SAVED_VIEW = "there is no saved view {view}; GET /v1/saved-views lists all"


class SavedViewRecord(SignedRecord):
    """What `state/saved_views/<id>/<version>.json` holds; the highest version is valid."""

    name: str
    is_shared: bool = False
    tiles: int
    cameras: tuple[str, ...]
    """The cameras by tile; an empty text is a tile without a camera."""
    made_by: str
    made_at: WallNs
    changed_by: str
    changed_at: WallNs
    deleted_at: WallNs | None = None
    schema_: int = schema_field()

    def is_of(self, person: Person) -> bool:
        """Return whether this person made it, and not an earlier person of the same name."""
        return person.has_made(self.made_by, self.made_at)


class SavedViews:
    """The saved views of a site. Thread-safe; raises ObjectsUnavailable if the store is
    unreachable.
    """

    def __init__(self, objects: ObjectStore, people_key: bytes, clock: Clock) -> None:
        key = derived_key(people_key, "saved views")
        self._records = SignedRecords(objects, SavedViewRecord, SAVED_VIEWS_PREFIX, key, clock)
        self._clock = clock

    def add(
        self, view: SavedViewRecord, person: Person, is_repeated: bool = False
    ) -> SavedViewRecord:
        """Store a new view of a person.

        With `is_repeated`, an earlier try of the same request may have stored it under its id.
        Raises BadInput if the person or the site has too many.
        """
        known_views = self._records.all().records
        day = view.id.partition("-")[0]
        saved_count = sum(
            one.id != view.id and one.is_of(person) and one.id.startswith(day)
            for one in known_views
        )
        if saved_count >= MOST_OF_A_DAY:
            raise BadInput(
                "{person} has saved {saved_count} views today; change one of "
                "them, or wait until tomorrow",
                person=person.name,
                saved_count=saved_count,
            )
        others = [one for one in known_views if one.id != view.id and one.deleted_at is None]
        own_count = sum(one.is_of(person) for one in others)
        if own_count >= MOST_OF_A_PERSON:
            raise BadInput(
                "{person} has {own_count} saved views; delete one of them first",
                person=person.name,
                own_count=own_count,
            )
        if len(others) >= MOST_OF_THE_SITE:
            raise BadInput(
                "the site has {count} saved views; ask their makers or an "
                "administrator to delete some",
                count=len(others),
            )
        try:
            return self._records.add(view)
        except RecordConflict:
            known = self._records.get(view.id) if is_repeated else None
            if known is None:
                raise
            return known

    def get(self, id_: str) -> SavedViewRecord:
        """Return a view. Raises NotFound, and DataLoss if its record is damaged."""
        found = self._records.get(id_)
        if found is None or found.deleted_at is not None:
            raise NotFound(NO_SAVED_VIEW, view=repr(id_))
        return found

    def all(self) -> Listing[SavedViewRecord]:
        """Return all views that were not deleted, and what is damaged."""
        found = self._records.all()
        return Listing(
            tuple(view for view in found.records if view.deleted_at is None), found.damaged
        )

    def change(
        self, id_: str, person: str, update: dict[str, object], expected_version: int | None
    ) -> SavedViewRecord:
        """Change some fields of a view. Raises NotFound, and RecordChanged if its version is not
        the expected one.
        """
        now_ns = self._clock.wall_ns()

        def changed(view: SavedViewRecord) -> SavedViewRecord:
            if view.deleted_at is not None:
                raise NotFound(NO_SAVED_VIEW, view=repr(id_))
            if all(getattr(view, name) == value for name, value in update.items()):
                return view
            if view.version >= MOST_CHANGES and "deleted_at" not in update:
                raise BadInput(
                    "the view was changed {version} times; delete it and save a new one",
                    version=view.version,
                )
            return view.model_copy(update=update | {"changed_by": person, "changed_at": now_ns})

        return self._records.change(
            id_, expected_version, changed, Message(NO_SAVED_VIEW, view=repr(id_))
        )

    def delete(self, id_: str, person: str, expected_version: int | None) -> SavedViewRecord:
        """Mark a view as deleted; its record is kept with the person's name. Raises as
        `change`.
        """
        return self.change(id_, person, {"deleted_at": self._clock.wall_ns()}, expected_version)
