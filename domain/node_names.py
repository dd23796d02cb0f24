"""Names of nodes, and the host name under which a node's certificate is verified."""

from __future__ import annotations

import re

PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
DOMAIN = "node.sightline.internal"


def is_node_name(text: str) -> bool:
    return re.fullmatch(PATTERN, text) is not None


def node_host(node: str) -> str:
    """Return the name in the certificate of `node`: a node is verified by its name, not its
    address.
    """
    return f"{node}.{DOMAIN}"
