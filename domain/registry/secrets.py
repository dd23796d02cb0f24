"""The credentials of cameras, from the environment or the secrets file. They are separate from URLs
and are never printed.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from domain.errors import Fault, RegistryInvalid
from domain.messages.message import Message
from domain.registry.faults import unreadable
from domain.registry.source import RegistrySource, read_yaml
from domain.suggestions import is_plain_word

PREFIX = "SIGHTLINE_CAMERA_"
FILE_NAME = "camera_secrets.yaml"


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: SecretStr

    @classmethod
    def of(cls, user: str, password: str) -> Credentials:
        return cls(user, SecretStr(password))


@dataclass(frozen=True, slots=True)
class Secrets:
    """The credentials by name. `SIGHTLINE_CAMERA_<NAME>=user:password` has precedence over the
    file; names ignore case, and `-` equals `_`.
    """

    by_name: Mapping[str, Credentials] = field(default_factory=dict)

    @classmethod
    def of(cls, by_name: Mapping[str, Credentials]) -> Secrets:
        """Return secrets under names as a registry spells them."""
        return cls({_folded(name): credentials for name, credentials in by_name.items()})

    def get(self, name: str) -> Credentials | None:
        return self.by_name.get(_folded(name))


def _folded(name: str) -> str:
    return name.upper().replace("-", "_")


def secrets_file(folder: Path, environ: Mapping[str, str]) -> Path:
    """Return the file that `SIGHTLINE_SECRETS_FILE` names, or else the one in `folder`."""
    return Path(environ.get("SIGHTLINE_SECRETS_FILE") or folder / FILE_NAME)


def load_secrets(file: Path, environ: Mapping[str, str]) -> tuple[Secrets, tuple[Fault, ...]]:
    """Return the secrets of the file and of the environment, and the faults of both."""
    source = _read(file)
    found = _from_file(source)
    for name, value in environ.items():
        if name.startswith(PREFIX):
            user, colon, password = value.partition(":")
            if not colon:
                wrong = Message("this variable of the environment must hold user:password")
                source.faults.append(Fault(name, 1, 1, wrong))
            found[_folded(name.removeprefix(PREFIX))] = Credentials.of(user, password)
    return Secrets(found), tuple(source.faults)


def _read(file: Path) -> RegistrySource:
    """Read the file. If it cannot be read, the result is empty and contains the faults."""
    try:
        source = read_yaml(file.read_text("utf-8"), str(file))
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            source.fault(
                (),
                Message("others may read this file of passwords"),
                # The console shows this too, and folders are internal to the site.
                Message("run `chmod 600 {file}` in its folder", file=file.name),
            )
        return source
    except FileNotFoundError:
        return RegistrySource(str(file))
    except (OSError, UnicodeDecodeError) as error:
        return RegistrySource(str(file), faults=[unreadable(file, error)])
    except RegistryInvalid as invalid:
        return RegistrySource(str(file), faults=list(invalid.faults))


def _from_file(source: RegistrySource) -> dict[str, Credentials]:
    found: dict[str, Credentials] = {}
    if source.data is not None and not isinstance(source.data, dict):
        source.fault(
            (),
            Message("must hold names, each with user and password"),
            Message("for example  junzhou: {user: admin, password: '...'}"),
        )
        return found
    for name, entry in (source.data or {}).items():
        if not isinstance(entry, dict) or set(entry) != {"user", "password"}:
            named = Message("`{key}`", key=name) if is_plain_word(name) else Message("this entry")
            wrong = Message(
                "{entry} must hold `user` and `password`, and nothing else", entry=named
            )
            source.fault((name,), wrong)
            continue
        unquoted = [key for key, value in entry.items() if not isinstance(value, str)]
        for key in (
            unquoted
        ):  # YAML reads 0123 as the number 83 and yes as true, which would be another password
            wrong = Message("`{key}` must be text", key=key)
            source.fault((name, key), wrong, Message("put it in quotes"))
        if not unquoted:
            found[_folded(name)] = Credentials.of(entry["user"], entry["password"])
    return found
