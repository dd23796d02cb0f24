"""Loads the Lua scripts that run inside Redis: each lies in a file `storage/<package>/scripts/`."""

from __future__ import annotations

from importlib.resources import files


def load_script(package: str, *names: str) -> str:
    """The files `names` of a sub-package of `storage`, joined in this order to one script.

    The first ones are parts that several scripts share; a file may use what an earlier one defines.
    """
    folder = files("storage") / package / "scripts"
    return "\n".join((folder / f"{name}.lua").read_text("utf-8") for name in names)
