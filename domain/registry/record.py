"""The stored record of an applied registry."""

from __future__ import annotations

from domain.stored_model import StoredModel, WallNs, schema_field


class RegistryRecord(StoredModel):
    """The content of `state/registry/<version>.json`: the text of a valid registry, as a person
    wrote it, without passwords.
    """

    version: int
    """The version; 0 means that it is in use and not in the object store yet."""
    applied_at: WallNs
    text: str
    schema_: int = schema_field()

    @property
    def source(self) -> str:
        """The text's name in messages about its faults."""
        return f"registry, version {self.version}"
