"""Writes the rules of the stores' users as files, for sites with stores of their own.

It is started as `python -m sightline.privileges FOLDER`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sightline.privileges.redis_acl import acl_file
from sightline.privileges.s3_policies import policy
from sightline.privileges.store_users import StoreUser

BUCKET = "sightline"


def files() -> dict[str, str]:
    """Return the text of each file by its path in `deploy/`."""
    found = {"redis/users.acl": acl_file({})}
    for user in StoreUser:
        found[f"s3/{user}.json"] = json.dumps(policy(user, BUCKET), indent=2) + "\n"
    return found


def main() -> None:
    for name, text in files().items():
        file = Path(sys.argv[1]) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
