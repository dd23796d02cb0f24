"""Fields that are read from environment variables."""

from __future__ import annotations

import os

from pydantic import BaseModel, ConfigDict

PREFIX = "SIGHTLINE_"


class EnvironmentFields(BaseModel):
    """Fields of which each has an environment variable: its name in capitals after `SIGHTLINE_`.

    Only variables that are set are processed. Each process reads its settings, and the objects that
    Python touches are then no longer in memory that it shares with others.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    def __init__(self, **given: object) -> None:
        """Use the values that are `given`, and the environment for others. Raises
        pydantic.ValidationError, which has no values, because they may be secret.
        """
        super().__init__(**{**_of_environment(), **given})


def _of_environment() -> dict[str, str]:
    """Return the variables by the names of fields. Capitals make no difference."""
    named = ((name.upper(), value) for name, value in os.environ.items())
    return {
        name.removeprefix(PREFIX).lower(): value for name, value in named if name.startswith(PREFIX)
    }
