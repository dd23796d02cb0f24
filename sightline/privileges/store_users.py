"""The users of Redis and of the object store, one for each kind of process."""

from __future__ import annotations

from enum import StrEnum


class StoreUser(StrEnum):
    """A user by its name in Redis, which is also its access key in the embedded object store."""

    NODE = "sightline-node"
    """The workers of a node and, on a site of several machines, its main process."""
    API = "sightline-api"
    COMMANDS = "sightline-commands"
    """The commands, and the main process of one-machine mode."""
