"""What a worker runs: the cameras of its roster, with the credentials that the node sends."""

from __future__ import annotations

from domain.registry import Secrets
from sightline.cluster.camera_credentials import CredentialReader
from sightline.cluster.roster import Roster, RosterFile


class Assignment:
    """The newest roster and credentials of a worker."""

    def __init__(self, file: RosterFile, credentials: CredentialReader) -> None:
        self._file = file
        self._credentials = credentials
        self.roster = Roster()
        self.secrets = Secrets()

    def update(self) -> bool:
        """Read what the node has written, and return whether anything changed.

        The credentials are read last: those of a new camera are sent before its roster is written.
        """
        roster, secrets = self._file.changed(), self._credentials.changed()
        if roster is not None:
            self.roster = roster
        if secrets is not None:
            self.secrets = secrets
        return roster is not None or secrets is not None
