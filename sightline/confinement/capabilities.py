"""Gives up the capabilities of root that Sightline does not use; see `capabilities(7)`.

Some of them bypass Landlock: a process with CAP_PERFMON may read the environment of every other.
"""

from __future__ import annotations

import ctypes

from sightline.confinement.system_calls import Architecture, call

_VERSION_3 = 0x20080522
_DAC_OVERRIDE, _DAC_READ_SEARCH, _FOWNER, _NET_BIND_SERVICE = 1, 2, 3, 10
_KEPT = sum(
    1 << capability for capability in (_DAC_OVERRIDE, _DAC_READ_SEARCH, _FOWNER, _NET_BIND_SERVICE)
)
"""Root may use a data folder of another user, as containers do, and listen on port 443."""


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def drop_capabilities(architecture: Architecture) -> None:
    """Keep at most `_KEPT`, in this thread and those that it starts. Raises OSError."""
    header, sets = _Header(_VERSION_3, 0), (_Sets * 2)()
    call(architecture.numbers["capget"], ctypes.byref(header), ctypes.byref(sets))
    for half, kept in zip(sets, (_KEPT & 0xFFFFFFFF, _KEPT >> 32), strict=True):
        half.effective &= kept
        half.permitted &= kept
        half.inheritable = 0
    call(architecture.numbers["capset"], ctypes.byref(header), ctypes.byref(sets))
