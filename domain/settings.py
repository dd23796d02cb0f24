"""Every setting with its default and unit, in groups. Settings are read from environment variables
(`SIGHTLINE_*`); docs/settings.md lists them.
"""

from __future__ import annotations

from collections.abc import MutableMapping

from pydantic import Field, SecretStr, ValidationError, field_validator

from domain.errors import BadInput
from domain.messages.message import Message, joined
from domain.messages.validation import validation_message
from domain.node_names import PATTERN
from domain.openid import OpenIdFields
from domain.people import Role
from domain.settings_groups.access import AccessFields
from domain.settings_groups.analysis import AnalysisFields
from domain.settings_groups.environment import PREFIX
from domain.settings_groups.live import LiveFields
from domain.settings_groups.parts import parts_of
from domain.settings_groups.recording import RecordingFields
from domain.settings_groups.stores import StoreFields


class Settings(
    StoreFields, RecordingFields, AnalysisFields, LiveFields, AccessFields, OpenIdFields
):
    """The settings of one process. They do not change after the start."""

    node: str = Field(
        "node-1",
        pattern=PATTERN,
        description="name of this node, unique in the site",
    )
    node_api_host: str = Field(
        "127.0.0.1",
        description="address on which the node API listens and at which the API reaches it",
    )
    node_api_port: int = Field(
        0, ge=0, le=65535, description="TCP port of the node API; 0: any free port"
    )
    people_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="key that authenticates the records of people, the same for all APIs and "
        "commands of a site, and unknown to nodes; unset: one-machine mode generates a key",
    )
    workers: int = Field(
        0,
        ge=0,
        le=64,
        description="number of camera worker processes; 0: one for each "
        "checkpoint and for each 64 other cameras, at most one per CPU core",
    )
    api_processes: int = Field(
        0,
        ge=0,
        le=64,
        description="number of API processes; 0: one in one-machine mode, otherwise one per CPU "
        "core, at most four",
    )
    confinement: bool = Field(
        True,
        description="restrict which files and system calls workers, live processes and APIs use "
        "(Landlock, seccomp), as far as the kernel can",
    )
    confinement_reads: str = Field(
        "",
        description="further files and folders that confined processes may read, separated by "
        "colons, such as the folder of a GPU library",
    )
    log_level: str = Field(
        "INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="minimum level of log messages"
    )

    @field_validator("second_factor_roles")
    @classmethod
    def _are_roles(cls, text: str) -> str:
        for number, role in enumerate(parts_of(text), start=1):
            if role not in tuple(Role):
                raise ValueError(f"entry {number} is no role; the roles are {', '.join(Role)}")
        return text

    @property
    def roles_with_second_factor(self) -> tuple[Role, ...]:
        return tuple(map(Role, parts_of(self.second_factor_roles)))


FORMER_NAMES = {
    "SIGHTLINE_DOOR_HOST": "SIGHTLINE_NODE_API_HOST",
    "SIGHTLINE_DOOR_PORT": "SIGHTLINE_NODE_API_PORT",
}
"""The former names of environment variables, with the present ones."""


def rename_former_settings(environ: MutableMapping[str, str]) -> list[str]:
    """Move the values of former names to the present names; return a warning for each.

    If both names are set, the value of the present name stays.
    """
    warnings = []
    for former, present in FORMER_NAMES.items():
        if former in environ:
            environ.setdefault(present, environ.pop(former))
            warnings.append(f"{former} has a new name; set {present} instead")
    return warnings


def check_settings() -> None:
    """Check all settings. Raises BadInput with the name of each invalid environment variable.

    The error does not contain the values, because they may be secret.
    """
    try:
        Settings()
    except ValidationError as error:
        faults = [
            Message(
                "{place}: {fault}",
                place=f"{PREFIX}{str(fault['loc'][0]).upper()}",
                fault=validation_message(fault["type"], fault["msg"], fault.get("ctx", {})),
            )
            for fault in error.errors()
        ]
        raise BadInput("{faults}", faults=joined(faults)) from error
