"""Names in the protocol between the API and the nodes.

The path and the header are those of earlier versions: during an update, processes of two versions
talk to each other.
"""

from __future__ import annotations

PATH_PREFIX = "/door"
AUTHORIZATION_SCHEME = "Sightline-Ed25519"
LAST_HEADER = "Sightline-Last-Ns"
"""The wall time of the last keyframe of a response; absent where there is none."""
