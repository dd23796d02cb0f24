"""Names in the protocol between the API and the nodes.

The path and the header are those of earlier versions: during an update, processes of two versions
talk to each other.
"""

from __future__ import annotations

PATH_PREFIX = "/door"
AUTHORIZATION_SCHEME = "Sightline-Ed25519"
VERSION_HEADER = "Sightline-File-Version"
"""The size, the time and the inode of the file of a segment of which bytes are served."""
