"""Loads the Lua scripts that run inside Redis, from the files in `storage/<package>/scripts/`."""

from __future__ import annotations

from importlib.resources import files


def load_script(package: str, *names: str) -> str:
    """Return the files `names` of a sub-package of `storage`, joined to one script.

    The first files are parts that several scripts share; a file may use what an earlier one
    defines.
    """
    folder = files("storage") / package / "scripts"
    return "\n".join((folder / f"{name}.lua").read_text("utf-8") for name in names)
