"""The environment variables that each kind of child process gets.

All others stay with the supervisor, so that a compromised process has no secret of another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

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
    """A set of variables, by names and by prefixes of names."""

    names: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()

    def __or__(self, other: Allowed) -> Allowed:
        return Allowed(self.names | other.names, self.prefixes + other.prefixes)

    def select(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of `environ` that are allowed."""
        return {
            name: value
            for name, value in environ.items()
            if name in self.names or name.startswith(self.prefixes)
        }


def _setting(field: str) -> str:
    return f"SIGHTLINE_{field.upper()}"


def _public_settings() -> frozenset[str]:
    """Return the settings that are not secret; their types decide, so no list is needed."""
    fields = Settings.model_fields.items()
    return frozenset(_setting(name) for name, field in fields if not _is_secret(field.annotation))


def _is_secret(annotation: object) -> bool:
    return annotation is SecretStr or SecretStr in getattr(annotation, "__args__", ())


SYSTEM = Allowed(_SYSTEM_NAMES, _SYSTEM_PREFIXES)
"""What every program may need: paths, language, time zone, threads.

Valkey, SeaweedFS and the simulator get no more.
"""
_SETTINGS = SYSTEM | Allowed(_public_settings())
_STORES = Allowed(frozenset(map(_setting, ("redis_url", "s3_access_key", "s3_secret_key"))))
LIVE = _SETTINGS
MEDIA = _SETTINGS
API = (
    _SETTINGS
    | _STORES
    | Allowed(frozenset({_setting("people_key"), _setting("webrtc_turn_secret")}))
)
WORKER = _SETTINGS | _STORES
"""A worker receives the credentials of its cameras from the node (`cluster/camera_credentials`)."""
