"""Which variables of the environment each kind of child process gets: a list of what is allowed.

Everything else stays with the supervisor, so that a process that is broken into gives away no
secret of another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from domain.registry.secrets import PREFIX as CAMERA_PASSWORDS
from domain.settings import Settings

_SYSTEM_NAMES = frozenset(
    {
        "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TZDIR", "TMPDIR",
        "LD_LIBRARY_PATH", "LD_PRELOAD", "SSL_CERT_FILE", "SSL_CERT_DIR",
        "GOMAXPROCS", "GOMEMLIMIT", "GOGC",
    }
)  # fmt: skip
_SYSTEM_PREFIXES = (
    "LC_", "PYTHON", "PROMETHEUS_", "COVERAGE_", "COV_CORE_", "MALLOC_", "GLIBC_",
    "OPENBLAS_", "OMP_", "MKL_", "OPENCV_", "CUDA_", "NVIDIA_", "ORT_",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Allowed:
    """Names of variables, and prefixes of names."""

    names: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    def __or__(self, other: Allowed) -> Allowed:
        return Allowed(self.names | other.names, self.prefixes + other.prefixes)

    def of(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The variables of `environ` that are allowed."""
        return {
            name: value
            for name, value in environ.items()
            if name in self.names or name.startswith(self.prefixes)
        }


def _setting(field: str) -> str:
    return f"SIGHTLINE_{field.upper()}"


def _public_settings() -> frozenset[str]:
    """A new setting that is secret is left out without being named here."""
    fields = Settings.model_fields.items()
    return frozenset(_setting(name) for name, field in fields if not _is_secret(field.annotation))


def _is_secret(annotation: object) -> bool:
    return annotation is SecretStr or SecretStr in getattr(annotation, "__args__", ())


SYSTEM = Allowed(_SYSTEM_NAMES, _SYSTEM_PREFIXES)
"""What every program may need: paths, language, time zone, threads. Valkey, SeaweedFS,
simulator.
"""
_SETTINGS = SYSTEM | Allowed(_public_settings())
_STORES = Allowed(frozenset(map(_setting, ("redis_url", "s3_access_key", "s3_secret_key"))))
_DOOR = Allowed(frozenset({_setting("door_key")}))
LIVE = _SETTINGS | _DOOR
API = _SETTINGS | _STORES | _DOOR
WORKER = _SETTINGS | _STORES | Allowed(frozenset({"SIGHTLINE_SECRETS_FILE"}), (CAMERA_PASSWORDS,))
